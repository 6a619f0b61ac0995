// Stand-ins for what a browser without a screen has not: a person's permission for notifications, and a push service.

/** Has a page find notifications in a state: `on`, `off`, `denied`, `unsupported` or `ios`. */
export async function asIfPermitted(page, state) {
  const made = { endpoint: 'https://push.example.com/1', keys: { p256dh: 'a', auth: 'b' } };
  await page.addInitScript(
    ({ wanted, subscription }) => {
      // An empty page has none.
      if (!('PushManager' in globalThis)) return;
      if (wanted === 'ios' || wanted === 'unsupported') {
        delete globalThis.PushManager;
        const agent = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1';
        if (wanted === 'ios') Object.defineProperty(navigator, 'userAgent', { get: () => agent });
        return;
      }
      const permission = { on: 'granted', off: 'default', denied: 'denied' }[wanted];
      Object.defineProperty(globalThis.Notification, 'permission', { get: () => permission });
      const kept = { ...subscription, options: { applicationServerKey: null }, toJSON: () => subscription };
      globalThis.PushManager.prototype.getSubscription = () => Promise.resolve(wanted === 'on' ? kept : null);
      globalThis.PushManager.prototype.subscribe = () => Promise.resolve(kept);
    },
    { wanted: state, subscription: made },
  );
  const answers = {
    '/api/push-subscriptions': { renewedAt: new Date().toISOString() },
    '/api/push-subscriptions/test': { outcome: 'handed_over' },
  };
  for (const [path, json] of Object.entries(answers)) {
    await page.route(`**${path}`, (route) =>
      route.request().method() === 'POST' ? route.fulfill({ status: 201, json }) : route.fallback(),
    );
  }
}
