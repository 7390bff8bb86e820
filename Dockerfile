# syntax=docker/dockerfile:1
# docker build --tag herdgate:0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .
# docker run --rm --read-only --publish 8080:8080 herdgate:0.1.0 --origin https://api.example.com
ARG NODE_VERSION=26.10.0

# Nothing we depend on needs an install script: native parts come as packages for each platform.
FROM node:${NODE_VERSION}-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY routes ./routes
RUN npm run build && find dist '(' -name '*.d.ts' -o -name '*.map' ')' -delete

# Only what runs, and of native parts only those of this platform.
FROM node:${NODE_VERSION}-trixie-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && rm node_modules/.package-lock.json

FROM node:${NODE_VERSION}-trixie-slim AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Herdgate" \
      org.opencontainers.image.description="HTTP caching reverse proxy for slow APIs" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production HERDGATE_REVISION="${REVISION}"
WORKDIR /app
# The one place that may be written to: for --disk var/cache. All else can be mounted read-only.
RUN mkdir -p var/cache && chown 65532:65532 var/cache
COPY package.json LICENSE ./
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["node", "dist/src/cli.js", "probe"]
# Node is process 1 and handles its signals itself: no init is needed.
ENTRYPOINT ["node", "dist/src/cli.js"]
