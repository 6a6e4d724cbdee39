/** The longer texts in English; the keys are those of documents.zh-CN.ts. */
import type { documentsZhCN } from './documents.zh-CN.ts';

export const documentsEn: Record<keyof typeof documentsZhCN, string> = {
  'document.operator_unnamed': 'the operator of this service',
  'document.phone_unnamed': '12345',
  'document.contents': 'On this page',

  'agreement.title': 'User Agreement',
  'agreement.quoted': 'User Agreement',
  'agreement.lead':
    'What you and {operator} may expect of each other when you use Unified Identity Authentication.',
  'agreement.service.heading': 'What we offer',
  'agreement.service.text':
    'With one account you sign in to many public services. It is free of charge.\nEach service is the responsibility of the authority behind it; ours is only to say who you are.',
  'agreement.account.heading': 'Your account',
  'agreement.account.text':
    'The account is for you alone; do not lend it or pass it on. Give true and valid details and keep them up to date.\nKeep your password safe. Our staff never ask for a password or a code. If somebody else uses your account, call {phone} at once.',
  'agreement.conduct.heading': 'Please do not',
  'agreement.conduct.text':
    'Do not sign in with another person’s details, do not try to get around security measures, do not sign in in bulk by programs. In such cases we may suspend the account as the law allows and report it.',
  'agreement.availability.heading': 'Interruptions and changes',
  'agreement.availability.text':
    'We do our best to keep the service running. Planned maintenance is announced; faults or attacks may interrupt it for a short time.\nWhen this agreement changes, the new text is published here.',
  'agreement.end.heading': 'Leaving',
  'agreement.end.text':
    'You can sign out, withdraw a site’s permission, or ask for the account to be closed at any time. To close it, call {phone} or go to a government service counter.',

  'privacy.title': 'Privacy Policy',
  'privacy.quoted': 'Privacy Policy',
  'privacy.lead':
    'Which of your personal information {operator} handles, why, for how long, and what your rights are.',
  'privacy.collect.heading': 'What we handle',
  'privacy.collect.text':
    'Identity: name, type and number of your document, mobile number, and the email and user name you give. To know who you are.\nSign-ins: time, network address, kind of browser and device, sites entered. To protect your account and to let you see your own record.\nYour password is kept only in a form that cannot be turned back; nobody can see it.',
  'privacy.protect.heading': 'How we protect it',
  'privacy.protect.text':
    'Name and document number are encrypted and shown masked. When staff look at your information, that leaves a record which cannot be changed.\nThis site uses only the cookies that signing in and your display choices need. No advertising, no third-party statistics.',
  'privacy.share.heading': 'Who gets it',
  'privacy.share.text':
    'A site you sign in to gets only the items it is approved for. Where your consent is needed, a page first lists what and why, and you can refuse.\nEach department gets a different number for you and cannot connect them. Unless the law says otherwise, nobody else gets your information.',
  'privacy.keep.heading': 'For how long',
  'privacy.keep.text':
    'Account information until you close the account. Sign-in logs for at least 180 days, then they are deleted unless the law says otherwise.',
  'privacy.rights.heading': 'Your rights',
  'privacy.rights.text':
    'In “My account” you see your information and where you are signed in, and can end a sign-in. To see, copy, correct or delete your information, withdraw consent or close the account, call {phone} or go to a government service counter. We answer within 15 working days.',
  'privacy.minors.heading': 'Children',
  'privacy.minors.text': 'Under 14, a guardian has to agree and help with this service.',

  'help.title': 'Help',
  'help.lead': 'Trouble signing in? Look here first. If it does not help, call {phone}.',
  'help.how.heading': 'How to sign in',
  'help.how.text':
    'Choose “sign in” on the site you want to use and you come here. Enter your account (mobile number, ID number or user name) and your password, and you go back to that site.\nAfter that, other sites in the same browser usually do not ask for your password again.',
  'help.check.heading': 'How to tell that this site is genuine',
  'help.check.text':
    'Before you type a password, look at the address bar and make sure the address belongs to {operator}. Our staff never ask for a password or a code by phone, SMS or chat.',
  'help.forgotten.heading': 'Forgotten password',
  'help.forgotten.text':
    'Call {phone}, or take your identity document to a government service counter near you to have it reset. To protect your account, staff first check who you are.',
  'help.locked.heading': 'The account is locked',
  'help.locked.text':
    'After several wrong passwords an account is locked for a while, so that nobody can guess it. The page says how long; it then opens by itself, you need do nothing.\nIf it was not you, sign in afterwards and look in “My account” at where you are signed in.',
  'help.level.heading': 'What is a real-name level?',
  'help.level.text':
    'It says how your identity was verified, in 5 levels: not verified, self-declared, basic, intermediate, advanced. The higher the level, the more services are open to you.\n“My account” shows yours. For the advanced level, take your identity document to a government service counter.',
  'help.shared.heading': 'On a shared computer',
  'help.shared.text':
    'Do not let the browser save your password. When done, choose “Sign out” and close all browser windows. If you forgot, sign in to “My account” on your phone and end that sign-in.',
  'help.elder.heading': 'The text is too small',
  'help.elder.text':
    'Choose “Large text” at the top right: text and buttons grow, and there is less on the page. “Standard” brings it back. This site remembers your choice.',
};
