// Loaded into the service before its own code: it stores messages and indexes none of them.
const { ChangeFeed } = await import(new URL('../../dist/src/change-feed/change-feed.service.js', import.meta.url).href);

Object.assign(ChangeFeed.prototype, { start() {}, hint() {}, hintBroadcast() {} });
