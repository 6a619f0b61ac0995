import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { attackKinds } from './attack-kinds.js';
import type { AttackTarget, Tally } from './attack-tools.js';
import type { Figure } from './figure.js';
import { startNode } from './node-process.js';
import { median, shown } from './measures.js';
import type { Scene } from './scene.js';
import type { ServerProcess } from './server-process.js';
import { Talk } from './talk.js';

export interface AttackCommand {
  attack: string;
  target: AttackTarget;
  seconds: number;
}

export interface AttackReport {
  kind: 'done';
  waves: number;
  tally: Tally;
}

const database = 'attackers';
/** Messages a second of all pairs together: each pair writes less than its own rate limit allows. */
const rate = 60;
const warmUpSeconds = 1;
const readinessPollMilliseconds = 250;
const patienceMilliseconds = 20_000;
/** A message that nobody answers counts as late as that. */
const lostMilliseconds = 10_000;

interface Turn {
  p99: number;
  longestReadiness: number;
  notReady: number;
  peakMegabytes: number;
  waves: number;
  tally: Tally | undefined;
}

/**
 * Other people's messages beside one attacker. The service has the limits it has by default, and the memory that Compose
 * gives its heap; the attacker comes from an address of its own.
 */
export async function attackers(scene: Scene): Promise<Figure[]> {
  const names = scene.options.attacks ?? Object.keys(attackKinds);
  const figures: Figure[] = [];
  for (const name of names) {
    const [beside, alone]: [Turn[], Turn[]] = [[], []];
    // One service for each attack, because what an attack leaves behind must not count for the next.
    await scene.newDatabase(database);
    const { server, load } = await scene.colloquio(database, asDeployed);
    const target = await targetOn(scene, server);
    for (let round = 0; round < scene.options.rounds; round++) {
      for (const attack of [undefined, name]) {
        const turn = await measure(scene, server, load, attack, target);
        (attack === undefined ? alone : beside).push(turn);
      }
    }
    figures.push(figureOf(attackKinds[name]!.title, beside, alone));
    await scene.clear();
  }
  return figures;
}

const asDeployed = {
  RATE_MESSAGES: '',
  RATE_SIGN_IN: '',
  RATE_JOIN: '',
  NODE_OPTIONS: '--max-old-space-size=512',
};

async function measure(
  scene: Scene,
  server: ServerProcess,
  load: Awaited<ReturnType<Scene['colloquio']>>['load'],
  attack: string | undefined,
  target: AttackTarget,
): Promise<Turn> {
  const { seconds } = scene.options;
  server.forgetPeak();
  let attacking: Promise<AttackReport> | undefined;
  const readiness = watchReadiness(server);
  const result = await load.run({ rate, warmUpSeconds, seconds }, () => {
    attacking ??= attack === undefined ? undefined : send({ attack, target, seconds });
  });
  const report = await attacking;
  const { longest, notReady } = await readiness();
  const asked = rate * seconds;
  const unanswered = result.failures + result.lost;
  return {
    p99: unanswered >= asked / 100 ? Math.max(lostMilliseconds, result.delays.p99) : result.delays.p99,
    longestReadiness: longest,
    notReady,
    peakMegabytes: server.peakMegabytes,
    waves: report?.waves ?? 0,
    tally: report?.tally,
  };
}

async function send(command: AttackCommand): Promise<AttackReport> {
  const talk = new Talk<AttackCommand, AttackReport>(startNode(join(import.meta.dirname, 'attack.ts')));
  try {
    talk.tell(command);
    return await talk.hears('done');
  } finally {
    await talk.end();
  }
}

/** Asks for readiness again and again; the longest answer in milliseconds, and how many were something else than ready. */
function watchReadiness(server: ServerProcess): () => Promise<{ longest: number; notReady: number }> {
  let [longest, notReady, going] = [0, 0, true];
  const watching = (async () => {
    while (going) {
      const began = performance.now();
      const signal = AbortSignal.timeout(patienceMilliseconds);
      const answer = await fetch(`${server.url}/api/health/ready`, { signal }).catch(() => undefined);
      await answer?.arrayBuffer();
      longest = Math.max(longest, performance.now() - began);
      if (!answer?.ok) notReady++;
      await new Promise((resolve) => setTimeout(resolve, readinessPollMilliseconds));
    }
  })();
  return async () => {
    going = false;
    await watching;
    return { longest, notReady };
  };
}

async function targetOn(scene: Scene, server: ServerProcess): Promise<AttackTarget> {
  const { market } = await scene.people();
  const customer = market.people[0]!;
  const answer = await fetch(`${server.url}/api/invitations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${market.token}`, 'content-type': 'application/json' },
    body: '{"kind":"open"}',
  });
  const { code } = (await answer.json()) as { code: string };
  return {
    port: server.port,
    from: '127.0.0.66',
    shopToken: market.token,
    customerToken: customer.token,
    contactId: customer.conversationId,
    code,
  };
}

function figureOf(title: string, beside: readonly Turn[], alone: readonly Turn[]): Figure {
  const most = (of: (turn: Turn) => number) => Math.max(...beside.map(of));
  const statuses: Record<string, number> = {};
  for (const { tally } of beside) {
    for (const [status, count] of Object.entries(tally!.statuses)) statuses[status] = (statuses[status] ?? 0) + count;
  }
  const answers = Object.entries(statuses).map(([status, count]) =>
    status === '0' ? `${count} cut off` : `${count} × ${status}`,
  );
  const largest = most(({ tally }) => tally!.largestAnswer);
  return {
    title: `99 of 100 messages of others are received within, beside ${title}`,
    unit: 'ms',
    ours: beside.map(({ p99 }) => p99),
    beside: 'without it',
    others: alone.map(({ p99 }) => p99),
    ownMark: { kind: 'at most', value: 250 },
    notes: [
      `Readiness within ${shown(most(({ longestReadiness }) => longestReadiness))} ms, ${most(({ notReady }) => notReady)} times not ready.`,
      `At most ${shown(most(({ peakMegabytes }) => peakMegabytes))} MB resident (without it ${shown(median(alone.map(({ peakMegabytes }) => peakMegabytes)))} MB).`,
      `The attacker sent ${beside.reduce((sum, { waves }) => sum + waves, 0)} waves and got ${answers.join(', ') || 'nothing'}; largest answer ${shown(largest / 1024)} KB, ${shown(most(({ tally }) => tally!.heard) / 1024)} KB over sockets in all.`,
    ],
  };
}
