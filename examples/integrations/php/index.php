<?php

declare(strict_types=1);

/*
 * 一认通接入示例：PHP + jumbojett/openid-connect-php。
 *
 *     composer install
 *     OIDC_CLIENT_SECRET=… php -S localhost:8083 index.php
 *
 * 这个库只能验证 RS256、PS256 签名，注册时不要改 id_token_signed_response_alg（缺省即 RS256）。
 */

use Jumbojett\OpenIDConnectClient;
use Jumbojett\OpenIDConnectClientException;

require __DIR__ . '/vendor/autoload.php';

const BASE = 'http://localhost:8083';
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

$oidc = new OpenIDConnectClient(
    getenv('OIDC_ISSUER') ?: 'http://localhost:3000',
    getenv('OIDC_CLIENT_ID') ?: 'example-php',
    getenv('OIDC_CLIENT_SECRET')
);
$oidc->setRedirectURL(BASE . '/callback');
$oidc->setCodeChallengeMethod('S256');
$oidc->addScope(['profile_basic']);

$route = $_SERVER['REQUEST_METHOD'] . ' ' . parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);

if ($route === 'POST /backchannel-logout') {
    backchannelLogout($oidc);
    exit;
}

session_name('example-php-session');
session_set_cookie_params([
    'httponly' => true,
    'samesite' => 'Lax',
    'secure' => str_starts_with(BASE, 'https:'),
]);
session_start();

switch ($route) {
    case 'GET /login':
    case 'GET /callback':
        signIn($oidc);
        break;
    case 'POST /logout':
        $idToken = $_SESSION['id_token'] ?? '';
        $_SESSION = [];
        session_destroy();
        $oidc->signOut($idToken, BASE . '/');
        break;
    default:
        showHome();
}

/** /login 时跳转去登录；带着 code 回到 /callback 时兑换令牌，验证 state、签名、iss、aud、nonce。 */
function signIn(OpenIDConnectClient $oidc): void
{
    try {
        $oidc->authenticate();
        $claims = $oidc->getVerifiedClaims();
        if (!isset($claims->nonce)) {
            throw new OpenIDConnectClientException('ID token without nonce'); // 库只在有 nonce 时比较
        }
        $person = $oidc->requestUserInfo();
        if ($person->sub !== $claims->sub) {
            throw new OpenIDConnectClientException('userinfo of another person');
        }
    } catch (OpenIDConnectClientException $error) {
        error_log($error->getMessage());
        http_response_code(400);
        echo '登录未完成。<a href="/login">重新登录</a>';
        return;
    }
    session_regenerate_id(true); // 防会话固定
    $_SESSION = ['person' => $person, 'id_token' => $oidc->getIdToken()];
    file_put_contents(sessionFile($claims->sid), session_id());
    header('Location: /', true, 303);
}

/** 统一登出：由一认通服务器直接调用，没有浏览器。 */
function backchannelLogout(OpenIDConnectClient $oidc): void
{
    header('Cache-Control: no-store');
    try {
        $isValid = $oidc->verifyLogoutToken(); // 签名、iss、aud、iat、无 nonce
        $claims = $isValid ? $oidc->getVerifiedClaims() : null;
    } catch (OpenIDConnectClientException $error) {
        error_log($error->getMessage());
        $claims = null;
    }
    // 以下几项库不检查
    $isLogout = isset($claims->events->{LOGOUT_EVENT}, $claims->exp, $claims->sid)
        && $claims->exp > time();
    if (!$isLogout) {
        http_response_code(400);
        return;
    }
    $file = sessionFile($oidc->getSidFromBackChannel());
    if (is_file($file)) {
        ini_set('session.use_cookies', '0');
        session_name('example-php-session');
        session_id(file_get_contents($file));
        session_start();
        session_destroy();
        unlink($file);
    }
}

/** sid → 本地会话号。多台服务器时换成 Redis，会话也要放到 Redis。 */
function sessionFile(string $sid): string
{
    $folder = sys_get_temp_dir() . '/example-php-sids';
    if (!is_dir($folder)) {
        mkdir($folder, 0700);
    }
    return $folder . '/' . hash('sha256', $sid);
}

function showHome(): void
{
    $person = $_SESSION['person'] ?? null;
    if ($person === null) {
        echo '<!doctype html><html lang="zh-CN"><a href="/login">登录</a>';
        return;
    }
    $name = htmlspecialchars((string) ($person->name_masked ?? ''), ENT_QUOTES);
    $level = htmlspecialchars((string) ($person->real_name_level ?? ''), ENT_QUOTES);
    echo "<!doctype html><html lang=\"zh-CN\"><p>您好，{$name}，实名等级 {$level}</p>"
        . '<form method="post" action="/logout"><button>退出登录</button></form>';
}
