import { userManager } from './user-manager.js';

try {
  await userManager.signinRedirectCallback();
  window.location.replace('index.html');
} catch (error) {
  // access_denied 等错误在 error.error 中
  document.getElementById('message').textContent = `登录未完成：${error.error ?? error.message}`;
}
