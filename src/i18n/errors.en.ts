/** The error page in English; the keys are those of errors.zh-CN.ts. */
import type { errorsZhCN } from './errors.zh-CN.ts';

export const errorsEn: Record<keyof typeof errorsZhCN, string> = {
  'error.request.invalid': 'Something in the form is not right',
  'error.request.invalid.next': 'Please go back, check it and send it again.',
  'error.request.too_large': 'What you sent is too large',
  'error.request.too_large.next': 'Please go back, shorten it and send it again.',
  'error.request.wrong_host': 'The address is not right',
  'error.request.wrong_host.next': 'Please come again from the site you want to use.',
  'error.request.not_found': 'There is no such page',
  'error.request.not_found.next': 'Check the address, or come again from the site you want to use.',
  'error.request.method_not_allowed': 'This page cannot be opened this way',
  'error.request.method_not_allowed.next': 'Please come again from the site you want to use.',
  'error.request.csrf': 'The page is no longer valid',
  'error.request.csrf.next':
    'To protect your account, please go back, reload the page and send it again.',
  'error.request.rate_limited': 'Too many requests',
  'error.request.rate_limited.next':
    'Please wait a little. Too much comes from your network; nothing is wrong with your account.',
  'error.interaction.expired': 'Your sign-in has expired, please sign in again',
  'error.interaction.expired.next':
    'The page was open too long, or was finished in another window. Please come again from the site you want to use.',
  'error.session.required': 'Please sign in first',
  'error.session.required.next': 'You are not signed in, or your sign-in has expired.',
  'error.sign_in.locked': 'The account is locked',
  'error.sign_in.locked.next':
    'After several wrong passwords an account is locked for a while, so that nobody can guess yours. Please try again later.',
  'error.server.busy': 'Many people are here right now',
  'error.server.busy.next':
    'Please try again in a moment. You need not fill in anything else again.',
  'error.server.unavailable': 'The service is not available right now',
  'error.server.unavailable.next': 'We are working on it. Please try again later.',
  'error.server.error': 'Something went wrong on our side',
  'error.server.error.next':
    'It has been recorded. Please try again later; if it stays, call the help line.',
  'error.wait': 'Please try again in {wait}.',

  'error.oidc.invalid_request': 'The site sent a sign-in request that is not right',
  'error.oidc.invalid_request.next':
    'Please go back to the site and sign in again. If it happens again, tell the site’s support.',
  'error.oidc.invalid_client': 'We do not know the site you are going to',
  'error.oidc.invalid_client.next':
    'It may not be connected, or no longer. Check the address, or ask the site’s support.',
  'error.oidc.invalid_redirect_uri': 'The site’s return address is not right',
  'error.oidc.invalid_redirect_uri.next':
    'We stopped, so that your information does not go to a wrong address. Make sure you came from the genuine site.',
  'error.oidc.invalid_scope': 'The site asks for more than it may',
  'error.oidc.invalid_scope.next':
    'We stopped, and the site got none of your information. Please tell the site’s support.',
  'error.oidc.access_denied': 'You cancelled or refused',
  'error.oidc.access_denied.next':
    'The site got none of your information. You can go back to it and sign in again.',
  'error.oidc.login_required': 'You need to sign in first',
  'error.oidc.login_required.next': 'Please go back to the site and sign in again.',
  'error.oidc.unmet_authentication_requirements':
    'This way of signing in is not enough for the site',
  'error.oidc.unmet_authentication_requirements.next':
    'The site wants a more secure way. Please go back to it and sign in in another way.',
  'error.oidc.temporarily_unavailable': 'The sign-in service is busy',
  'error.oidc.temporarily_unavailable.next':
    'Please go back to the site in a moment and sign in again.',
};
