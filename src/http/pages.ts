/**
 * What each page needs to be shown: one typed model per template of views/. Handlers fill them,
 * render.ts shows them. Values are data (already masked where they are personal); words come from
 * i18n/. A field marked "text of the site" is shown as the site registered it, in its language.
 */
import type { TextKey } from '#i18n/zh-CN.ts';

/** The site a person comes from or goes to, as registered. */
export interface SiteBrand {
  readonly name: string;
  readonly department: string;
  /** Path of its logo on this server (`/…`); its first character in a square when absent. */
  readonly logoPath?: string | undefined;
}

/** RefusalReason of an authenticator, or why the sign-in desk refused before asking one. */
export type SignInRefusal =
  'wrong_answer' | 'not_enrolled' | 'expired' | 'replayed' | 'locked' | 'rate_limited' | 'busy';

export interface SignInMethodLink {
  /** Authenticator id; its text is `method.<id>`. */
  readonly id: string;
  /** `/interaction/<uid>/<id>` */
  readonly href: string;
  readonly current: boolean;
}

/** Posts `account`, `password`, `csrf` to `/interaction/<uid>/password`. */
export interface SignInPasswordPage {
  readonly uid: string;
  /** Absent on the way to our own 个人中心. */
  readonly site?: SiteBrand | undefined;
  readonly csrf: string;
  /** What stands in the account field; '' at first. */
  readonly account: string;
  readonly refusal?: SignInRefusal | undefined;
  /** For `locked`, `rate_limited`, `busy`; 60 when absent. Rounded up to minutes from 60 on. */
  readonly retryAfterSeconds?: number | undefined;
  /** Every way to sign in, the current one too; tabs are shown from two on. */
  readonly methods: readonly SignInMethodLink[];
  /** Why somebody who is signed in sees this page. */
  readonly reason?: 'reauthenticate' | 'step_up' | undefined;
  /** Masked name of who is signed in; shown with `reason`. */
  readonly signedInAs?: string | undefined;
  /** Where "back to the site" posts (`/interaction/<uid>/cancel`); not shown when absent. */
  readonly cancelHref?: string | undefined;
}

export interface ConsentValue {
  /** Claim name; its text is `claim.<claim>`. */
  readonly claim: string;
  /** What the site will see, masked as on all pages. `true`/`false` and known codes get words. */
  readonly value: string;
  /** Used where there is no text for the claim. */
  readonly label?: string | undefined;
}

export interface ConsentItem {
  /** Form value and scope name; its text is `scope.<name>`. */
  readonly name: string;
  /** Used where there is no text for the scope. */
  readonly label?: string | undefined;
  readonly values: readonly ConsentValue[];
  /** Why the site wants it; text of the site. */
  readonly reason?: string | undefined;
  /** Asked for the first time, while older items were granted before. */
  readonly isNew?: boolean | undefined;
}

/** Posts `decision` (`allow` or `deny`), `optional` (repeated) and `csrf` to `/interaction/<uid>/consent`. */
export interface ConsentPage {
  readonly uid: string;
  readonly site: SiteBrand;
  readonly csrf: string;
  /** What all of it is for; text of the site. */
  readonly purpose?: string | undefined;
  /** PIPL Art. 13 ground as in `legal_ground.<code>`, or a text of the site. */
  readonly legalGround?: string | undefined;
  readonly required: readonly ConsentItem[];
  readonly optional: readonly ConsentItem[];
  /** Masked name or phone; '' when there is neither. */
  readonly signedInAs: string;
  readonly lasts: 'once' | 'session' | 'until_revoked' | { readonly days: number };
}

export interface SignOutPage {
  /** oidc-provider's own form (id `op.logoutForm`), embedded as it is. */
  readonly formHtml: string;
  /** Names of the sites that will be told; texts of the sites. */
  readonly sites: readonly string[];
  readonly site?: SiteBrand | undefined;
}

export interface SignedOutPage {
  readonly siteName?: string | undefined;
  /** https URL or path. */
  readonly returnHref?: string | undefined;
}

/** A code of lib/errors.ts, or `oidc.…` from pageErrorOf. */
export type PageErrorCode =
  Extract<TextKey, `error.${string}.next`> extends `error.${infer Code}.next` ? Code : never;

export interface ErrorPage {
  readonly code: PageErrorCode;
  readonly requestId: string;
  readonly siteName?: string | undefined;
  /** Where the site's sign-in starts again, or the site itself; https URL or path. */
  readonly startAgainHref?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

export interface AccountSession {
  readonly uid: string;
  readonly current: boolean;
  readonly signedInAt: Date;
  readonly lastUsedAt: Date;
  readonly address: string;
  /** describeDevice() of http/device-name.ts, `Chrome · Windows`; '' when unknown. */
  readonly device: string;
  /** Text `channel.<channel>`. */
  readonly channel: string;
  readonly sites: readonly string[];
}

/** Posts `csrf` to `/account/sessions/<uid>/end`, `/account/sessions/end-others`, `/account/sign-out`. */
export interface AccountOverviewPage {
  readonly csrf: string;
  /** '' when no document is bound. */
  readonly nameMasked: string;
  /** Text `document_type.<idType>`; undefined with the number when none is bound. */
  readonly idType?: string | undefined;
  readonly idNumberMasked?: string | undefined;
  readonly phoneMasked?: string | undefined;
  readonly emailMasked?: string | undefined;
  readonly username?: string | undefined;
  readonly realNameLevel: 1 | 2 | 3 | 4 | 5;
  /** Newest use first; the current one wherever it stands is shown first. */
  readonly sessions: readonly AccountSession[];
  /** What the last POST did. */
  readonly notice?: 'session_ended' | 'all_ended' | undefined;
}

/** /agreement, /privacy, /help need nothing but the operator's data, which the renderer has. */
export type DocumentPage = Readonly<Record<string, never>>;

export interface Pages {
  'sign-in/password': SignInPasswordPage;
  consent: ConsentPage;
  'sign-out': SignOutPage;
  'signed-out': SignedOutPage;
  error: ErrorPage;
  'account/overview': AccountOverviewPage;
  agreement: DocumentPage;
  privacy: DocumentPage;
  help: DocumentPage;
}

const OIDC_ERROR_TEXTS: Readonly<Record<string, PageErrorCode>> = {
  access_denied: 'oidc.access_denied',
  account_selection_required: 'oidc.login_required',
  consent_required: 'oidc.login_required',
  interaction_required: 'oidc.login_required',
  invalid_client: 'oidc.invalid_client',
  unauthorized_client: 'oidc.invalid_client',
  invalid_redirect_uri: 'oidc.invalid_redirect_uri',
  invalid_scope: 'oidc.invalid_scope',
  invalid_target: 'oidc.invalid_scope',
  login_required: 'oidc.login_required',
  server_error: 'server.error',
  temporarily_unavailable: 'oidc.temporarily_unavailable',
  unmet_authentication_requirements: 'oidc.unmet_authentication_requirements',
};

/** The text for an `error` value of OAuth 2.0 or OpenID Connect; any other is a bad request. */
export function pageErrorOf(oidcError: string): PageErrorCode {
  return Object.hasOwn(OIDC_ERROR_TEXTS, oidcError)
    ? (OIDC_ERROR_TEXTS[oidcError] ?? 'oidc.invalid_request')
    : 'oidc.invalid_request';
}
