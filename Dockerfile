# Keyhall in a container: the executable, the C library that it is linked with, and an empty data folder. No shell,
# no package manager, no Node.js.
#
#   docker build --tag keyhall .
#   docker run --read-only --tmpfs /tmp --volume keyhall:/data --publish 127.0.0.1:4100:4100 --stop-timeout 40 keyhall
#
# It lies beside the sources because they are what it is built from: the context of a build is this folder, and
# .dockerignore counts only here. docs/guides/install.md says how to run it; test/deploy/ runs its steps.
#
# Both images are arguments. BUILD_IMAGE needs Node.js 20 or later, npm and the C library of Debian 12 or later.
# BASE_IMAGE is what the result begins with, such as an image with a shell for looking around.
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm-slim
ARG BASE_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build
# All that the result has: the executable, the libraries that it asks for under the paths where it asks for them, the
# licences, and the two folders that it writes to.
RUN mkdir -p /result/usr/local/bin /result/usr/share/doc/keyhall /result/data /result/tmp \
 && cp dist/keyhall /result/usr/local/bin/keyhall \
 && cp LICENSE dist/THIRD-PARTY-NOTICES /result/usr/share/doc/keyhall/ \
 && ldd dist/keyhall | grep -o '/[^ ]*' | xargs -I FILE cp -L --parents FILE /result \
 && chown 65532:65532 /result/data && chmod 700 /result/data && chmod 1777 /result/tmp

FROM ${BASE_IMAGE}
COPY --from=build /result/ /
# Settings keep their defaults, which lie in data/ of the working folder: database, pepper and revocations.
WORKDIR /
VOLUME /data
ENV KEYHALL_HOST=0.0.0.0
# As many model requests at once; Bun has 256 by default.
ENV BUN_CONFIG_MAX_HTTP_REQUESTS=10000
# With PostgreSQL they would lie beside the pepper, which is then a secret in a folder that cannot be written to.
ENV KEYHALL_REVOCATIONS_FILE=/data/revocations.jsonl
ENV KEYHALL_FIRST_KEY_FILE=/data/first-admin-key
EXPOSE 4100
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/keyhall"]
CMD ["serve"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/usr/local/bin/keyhall", "health"]
