"""一认通接入示例：Flask + Authlib。

    pip install -r requirements.txt
    OIDC_CLIENT_SECRET=… SESSION_SECRET=… flask --app app run --port 8082
"""

import os
import time

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, render_template_string, request, session, url_for
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from requests import RequestException

ISSUER = os.environ.get("OIDC_ISSUER", "http://localhost:3000")
CLIENT_ID = os.environ.get("OIDC_CLIENT_ID", "example-flask")
ALGORITHM = "RS256"  # 与注册的 id_token_signed_response_alg 一致，缺省即 RS256
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
SESSION_SECONDS = 8 * 3600

app = Flask(__name__)
app.secret_key = os.environ["SESSION_SECRET"]
app.config.update(
    # 同一主机名的各端口共用 Cookie，因此名字里带上站点
    SESSION_COOKIE_NAME="example-flask-session",
    SESSION_COOKIE_SAMESITE="Lax",
    SESSION_COOKIE_HTTPONLY=True,
    SESSION_COOKIE_SECURE=ISSUER.startswith("https:"),
)
yirentong = OAuth(app).register(
    "yirentong",
    client_id=CLIENT_ID,
    client_secret=os.environ["OIDC_CLIENT_SECRET"],
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile_basic", "code_challenge_method": "S256"},
)

# 已被统一登出的会话 sid → 何时可以忘记。多进程部署时放到 Redis。
ended_sids: dict[str, float] = {}

PAGE = """<!doctype html><html lang="zh-CN"><title>Flask 示例</title>
{% if person %}<p>您好，{{ person.name_masked }}，实名等级 {{ person.real_name_level }}</p>
<form method="post" action="/logout"><button>退出登录</button></form>
{% else %}<p>{{ message }}</p><a href="/login">登录</a>{% endif %}</html>"""


@app.before_request
def forget_ended_session():
    if session.get("sid") in ended_sids or session.get("until", 0) < time.time():
        session.pop("person", None)


@app.get("/")
def home():
    return render_template_string(PAGE, person=session.get("person"), message="")


@app.get("/login")
def login():
    # state、nonce、code_verifier 由 Authlib 生成并存入会话
    return yirentong.authorize_redirect(url_for("callback", _external=True))


@app.get("/callback")
def callback():
    try:
        token = yirentong.authorize_access_token()  # 验证 state、签名、iss、aud、exp、nonce
    except OAuthError as error:
        message = f"登录未完成（{error.error}），请重新登录。"
        return render_template_string(PAGE, person=None, message=message), 400
    id_token_claims = token["userinfo"]
    person = yirentong.userinfo(token=token)
    if person["sub"] != id_token_claims["sub"]:
        return render_template_string(PAGE, person=None, message="身份不一致，请重新登录。"), 400
    session.clear()
    session.update(
        person=person,
        sid=id_token_claims.get("sid"),
        id_token=token["id_token"],
        until=time.time() + SESSION_SECONDS,
    )
    return redirect("/")


@app.post("/logout")
def logout():
    id_token = session.get("id_token")
    session.clear()
    return yirentong.logout_redirect(
        post_logout_redirect_uri=url_for("home", _external=True), id_token_hint=id_token
    )


@app.post("/backchannel-logout")
def backchannel_logout():
    try:
        claims = verified_logout_token(request.form.get("logout_token", ""))
    except (JoseError, ValueError):
        return {"error": "invalid_request"}, 400
    except RequestException:
        return {"error": "temporarily_unavailable"}, 503  # 取不到公钥：请一认通稍后重试
    now = time.time()
    for sid in [sid for sid, until in ended_sids.items() if until < now]:
        del ended_sids[sid]
    ended_sids[claims["sid"]] = now + SESSION_SECONDS
    return "", 200


def verified_logout_token(text):
    """OpenID Connect Back-Channel Logout 1.0 §2.6"""
    try:
        token = jwt.decode(text, signing_keys(), algorithms=[ALGORITHM])
    except InvalidKeyIdError:  # 一认通换了签名密钥
        token = jwt.decode(text, signing_keys(force=True), algorithms=[ALGORITHM])
    issuer = yirentong.load_server_metadata()["issuer"]
    jwt.JWTClaimsRegistry(
        leeway=10,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": CLIENT_ID},
        iat={"essential": True},
        exp={"essential": True},
        jti={"essential": True},
        sid={"essential": True},
    ).validate(token.claims)
    events = token.claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise ValueError("not a logout token")
    if "nonce" in token.claims or token.header.get("typ") != "logout+jwt":
        raise ValueError("an ID token, not a logout token")
    return token.claims


def signing_keys(force=False):
    return KeySet.import_key_set(yirentong.fetch_jwk_set(force=force))
