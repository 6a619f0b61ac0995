import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type BootedShop, openShop } from '../support/booted-shop.js';
import { Installation, type Service } from '../support/installation.js';
import { expectStatus, migratedDatabases, unique } from '../support/world.js';
import { faultOf, type Target } from './attack.js';
import { type Case, casesOf, secret } from './cases.js';

const atOnce = 12;
const turn = 200;

let installation: Installation;
let databases: Awaited<ReturnType<typeof migratedDatabases>>;
let service: Service;
let attacked: BootedShop;
let other: BootedShop;
let target: Target;

beforeAll(async () => {
  installation = await Installation.make();
  databases = await migratedDatabases();
  service = await installation.start({
    ...databases.environment,
    REGISTRATION: 'open',
    LOG_LEVEL: 'debug',
    RATE_MESSAGES: '1000000',
    RATE_JOIN: '1000000',
    RATE_SIGN_IN: '1000000',
  });
  attacked = await openShop(service);
  other = await openShop(service);
  const label = await attacked.owner.ask('POST', '/api/labels', { name: 'Celiaci' });
  const invitation = await attacked.owner.ask('POST', '/api/invitations', { kind: 'open' });
  target = {
    host: '127.0.0.1',
    port: installation.port,
    tokens: {
      owner: attacked.owner.token,
      customer: attacked.anna.token,
      stranger: `${secret}-no-token-of-anybody-at-all`,
    },
    ids: { contact: attacked.conversationId, label: label.body.id, code: invitation.body.code },
  };
});
afterAll(async () => {
  await installation.remove();
  await databases.drop();
});

/** Somebody else's customer writes, and is acknowledged. */
async function othersPass(): Promise<void> {
  const path = `/api/conversations/${other.conversationId}/messages`;
  expectStatus(await other.anna.ask('POST', path, { clientId: unique(), body: 'Buongiorno' }), 201);
}

/** Tests that so many requests which no client sends are answered and harm nobody. */
export function besiege(count: number, seed = Date.now() % 2 ** 31): void {
  test(
    `${count} cases are answered, and harm nobody (seed ${seed})`,
    async () => {
      console.error(`fuzz: ${count} cases, seed ${seed}`);
      const cases = casesOf(seed, count);
      /** One example of each kind of fault. */
      const faults = new Map<string, { times: number; example: string }>();
      const note = (fault: string, each: Case) => {
        const kind = `${each.kind === 'rest' ? each.operationId : each.kind}: ${fault.replace(/\d+ KB/, 'many KB')}`;
        const known = faults.get(kind);
        if (known) known.times++;
        else faults.set(kind, { times: 1, example: JSON.stringify(each).slice(0, 600) });
      };
      for (let begin = 0; begin < cases.length; begin += turn) {
        const waiting = cases.slice(begin, begin + turn);
        const work = async () => {
          for (let each = waiting.shift(); each; each = waiting.shift()) {
            const fault = await faultOf(target, each);
            if (fault) note(fault, each);
          }
        };
        await Promise.all(Array.from({ length: atOnce }, work));
        expect(service.isRunning).toBe(true);
        await othersPass();
      }
      const told = [...faults].map(([kind, { times, example }]) => `${times}x ${kind}\n    ${example}`);
      if (told.length > 0)
        console.error(`${told.join('\n')}\nAgain: npm run test:fuzz -- --cases ${count} --seed ${seed}`);
      expect([...faults.keys()]).toEqual([]);
    },
    Math.max(300_000, count * 60),
  );

  test('the service works afterwards, and its log contains nothing that was sent', async () => {
    expectStatus(await service.ask('GET', '/api/health/ready'), 200);
    await othersPass();
    const ending = await service.stop();
    expect(ending.code).toBe(0);
    expect(ending.stdout.length).toBeGreaterThan(0);
    expect((ending.stdout + ending.stderr).split('\n').find((line) => line.includes(secret))).toBeUndefined();
  });
}
