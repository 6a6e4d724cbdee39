package cn.example.site;

import org.springframework.http.MediaType;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.HtmlUtils;

@RestController
public class HomeController {

    @GetMapping(value = "/", produces = MediaType.TEXT_HTML_VALUE + ";charset=UTF-8")
    String home(@AuthenticationPrincipal OidcUser person, CsrfToken csrf) {
        if (person == null) {
            return "<a href='/oauth2/authorization/yirentong'>登录</a>";
        }
        return """
                <p>您好，%s，实名等级 %s，认证强度 %s</p>
                <form method="post" action="/logout">
                  <input type="hidden" name="%s" value="%s"><button>退出登录</button>
                </form>
                """.formatted(
                safe(person.getClaim("name_masked")),
                safe(person.getClaim("real_name_level")),
                safe(person.getClaim("acr")),
                csrf.getParameterName(), csrf.getToken());
    }

    private static String safe(Object value) {
        return HtmlUtils.htmlEscape(String.valueOf(value));
    }
}
