import type { Figure } from './figure.js';
import { median, shown } from './measures.js';
import type { Memory } from './probe.js';
import type { Scene } from './scene.js';
import type { ServerProcess } from './server-process.js';

/** So many connect and leave before, so that what is loaded and made once for all does not count. */
const early = 100;

/** Cost in memory of a connected, signed-in, silent device, beside one of Socket.IO alone. */
export async function memory(scene: Scene): Promise<Figure[]> {
  await scene.newDatabase('memory');
  const ours: Memory[] = [];
  const bare: Memory[] = [];
  for (let round = 0; round < scene.options.rounds; round++) {
    ours.push(await ofOneConnection(scene, await scene.service('memory')));
    await scene.clear();
    bare.push(await ofOneConnection(scene, await scene.bareSocketIo()));
    await scene.clear();
  }
  const heap = (all: Memory[]) => `${shown(median(all.map(({ heapUsed }) => heapUsed / 1024)))} KB`;
  return [
    {
      title: `Memory of the server for each of ${scene.options.audience.toLocaleString('en')} idle connections`,
      unit: 'KB',
      ours: ours.map(({ rss }) => rss / 1024),
      beside: 'Socket.IO alone',
      others: bare.map(({ rss }) => rss / 1024),
      mark: { kind: 'at most', value: 1.25 },
      ownMark: { kind: 'at most', value: 24 },
      notes: [
        `Resident memory, after collecting garbage. Of it in the heap: ${heap(ours)}, of Socket.IO alone ${heap(bare)}.`,
      ],
    },
  ];
}

async function ofOneConnection(scene: Scene, server: ServerProcess): Promise<Memory> {
  const tokens = (await scene.people()).market.people.map(({ token }) => token);
  const crowd = await scene.crowd();
  await crowd.connect(server.port, tokens.slice(0, early));
  await crowd.disconnect();
  const before = await server.memory();
  await crowd.connect(server.port, tokens);
  const after = await server.memory();
  const each = (name: keyof Memory) => (after[name] - before[name]) / tokens.length;
  return { rss: each('rss'), heapUsed: each('heapUsed'), external: each('external') };
}
