import { userManager } from './user-manager.js';

const signIn = document.getElementById('sign-in');
const signOut = document.getElementById('sign-out');

signIn.addEventListener('click', () => userManager.signinRedirect());
signOut.addEventListener('click', () => userManager.signoutRedirect());

const user = await userManager.getUser();
if (user && !user.expired) {
  const { name_masked: name, real_name_level: level } = user.profile;
  document.getElementById('greeting').textContent = `您好，${name}，实名等级 ${level}`;
  signIn.hidden = true;
  signOut.hidden = false;
}
