# syntax=docker/dockerfile:1
# One image for the server and its commands (docs/operating.md). The runtime is the Node 24 that the
# lock file pins, so that the bill of materials names it; the Node of the first stage only runs npm.
# Both base images may be taken from a mirror, or replaced by one with glibc and libstdc++.
ARG NPM_IMAGE=node:24.21.0-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${NPM_IMAGE} AS dependencies
WORKDIR /opt/yirentong
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts \
 && mkdir -p /runtime/bin /runtime/share/node \
 && mv node_modules/node-linux-*/bin/node /runtime/bin/ \
 && mv node_modules/node-linux-*/LICENSE /runtime/share/node/ \
 && rm -rf node_modules/node-linux-* node_modules/.package-lock.json \
 && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="yirentong" \
      org.opencontainers.image.description="一认通: a unified identity authentication server (OpenID Provider)" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --system --gid 10001 yirentong \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin yirentong \
 && install -d -o 10001 -g 10001 -m 0700 /run/yirentong/keys
WORKDIR /opt/yirentong
COPY --from=dependencies /runtime /usr/local
COPY --from=dependencies /opt/yirentong/node_modules ./node_modules
COPY package.json LICENSE ./
COPY docs/licences.md ./docs/
COPY bin ./bin
COPY config ./config
COPY migrations ./migrations
COPY views ./views
COPY src ./src

# Inside a container "this machine" is nobody else: proxies and probes come from outside of it.
ENV NODE_ENV=production \
    YRT_LISTEN_ADDRESS=0.0.0.0 \
    YRT_PROBES_ADDRESS=0.0.0.0 \
    YRT_KEYS_DIRECTORY=/run/yirentong/keys
EXPOSE 3000 3002
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "bin/health-check.mjs"]
# The commands are `… src/cli.ts <command>` in place of the last argument.
ENTRYPOINT ["node"]
CMD ["src/main.ts"]
