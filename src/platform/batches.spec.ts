import { describe, expect, jest, test } from '@jest/globals';
import { Batches, deferred } from './batches.js';

interface Item {
  group: string;
  name: string;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Batches whose writes are noted, and end when they are told to. */
function batchesOf({
  locked = () => false,
  ...options
}: {
  /** Tells if another transaction holds a group when the fast lane comes by. */
  locked?: (group: string, batch: number) => boolean;
  batchSize?: number;
  concurrency?: { idle: number; loaded: number };
  minInterval?: number;
  capacity?: number;
} = {}) {
  const fast: string[][] = [];
  const slow: string[][] = [];
  let release: (() => void)[] = [];
  const paused = new Set<'fast' | 'slow'>();
  const note = async (lane: 'fast' | 'slow', items: Item[]) => {
    const batch = (lane === 'fast' ? fast : slow).push(items.map(({ name }) => name));
    if (paused.has(lane)) await new Promise<void>((resolve) => release.push(resolve));
    return batch;
  };
  const batches = new Batches<Item, string>({
    write: async (items) => {
      const batch = await note('fast', items);
      return items.map(({ group, name }) => (locked(group, batch) ? deferred : name));
    },
    writeAfterLock: async (items) => {
      await note('slow', items);
      return items.map(({ name }) => name);
    },
    groupOf: ({ group }) => group,
    keyOf: ({ name }) => name,
    batchSize: 100,
    concurrency: { idle: 1, loaded: 1 },
    capacity: 100,
    ...options,
  });
  return {
    fast,
    slow,
    add: (name: string, group = name) => batches.add({ group, name }),
    pause: (lane: 'fast' | 'slow' = 'fast') => paused.add(lane),
    resume: () => {
      paused.clear();
      for (const end of release) end();
      release = [];
    },
  };
}

/** An error of the driver with the code that PostgreSQL gives. */
const refusal = (code?: string) => Object.assign(new Error('refused'), { driverError: { code } });

describe('batches', () => {
  test('contain the items of one turn, and those that arrive during a write', async () => {
    const { fast, add, pause, resume } = batchesOf();
    pause();
    const first = [add('a'), add('b')];
    await turn();
    const second = [add('c'), add('d'), add('e')];
    await turn();
    expect(fast).toEqual([['a', 'b']]);
    resume();
    expect(await Promise.all([...first, ...second])).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(fast).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
  });

  test('are limited in size, in the order of arrival', async () => {
    const { fast, add } = batchesOf({ batchSize: 2 });
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => add(name)));
    expect(fast).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  test('are written concurrently, but one of each group', async () => {
    const { fast, add, pause, resume } = batchesOf({ concurrency: { idle: 2, loaded: 2 } });
    pause();
    const first = add('a1', 'a');
    await turn();
    const second = [add('a2', 'a'), add('b1', 'b')];
    await turn();
    const third = [add('b2', 'b'), add('c', 'c')];
    await turn();
    expect(fast).toEqual([['a1'], ['b1']]);
    resume();
    await Promise.all([first, ...second, ...third]);
    expect(fast.slice(2).flat().sort()).toEqual(['a2', 'b2', 'c']);
  });

  test('are many and small while few items wait, and few and large under load', async () => {
    const { fast, add, pause, resume } = batchesOf({ concurrency: { idle: 4, loaded: 1 } });
    pause();
    const adding: Promise<string>[] = [];
    for (const name of ['a', 'b', 'c']) {
      adding.push(add(name));
      await turn();
    }
    expect(fast).toEqual([['a'], ['b'], ['c']]);
    for (let i = 0; i < 20; i++) adding.push(add(`d${i}`));
    await turn();
    expect(fast).toHaveLength(3);
    resume();
    await Promise.all(adding);
    expect(fast.slice(3).map((batch) => batch.length)).toEqual([20]);
  });

  test('start with the minimum interval, the first at once', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const { fast, add } = batchesOf({ concurrency: { idle: 2, loaded: 2 }, minInterval: 20 });
      const first = add('a');
      await turn();
      expect(fast).toEqual([['a']]);
      await first;
      const second = [add('b')];
      await turn();
      jest.advanceTimersByTime(10);
      second.push(add('c'));
      await turn();
      jest.advanceTimersByTime(9);
      await turn();
      expect(fast).toEqual([['a']]);
      jest.advanceTimersByTime(1);
      await Promise.all(second);
      expect(fast.slice(1)).toEqual([['b', 'c']]);

      jest.advanceTimersByTime(20);
      const third = add('d');
      await turn();
      expect(fast.slice(2)).toEqual([['d']]);
      await third;
    } finally {
      jest.useRealTimers();
    }
  });

  test('never contain two items with one key', async () => {
    const { fast, add } = batchesOf();
    await Promise.all([add('a', 'x'), add('a', 'x'), add('b', 'x')]);
    expect(fast).toEqual([['a', 'b'], ['a']]);
  });

  test('refuse an item beyond their capacity, and accept it once there is room', async () => {
    const { add, pause, resume } = batchesOf({ capacity: 3 });
    pause();
    const taken = [add('a'), add('b')];
    await turn();
    taken.push(add('c'));
    expect(() => add('d')).toThrow(expect.objectContaining({ code: 'overloaded' }));
    resume();
    await Promise.all(taken);
    expect(await add('d')).toBe('d');
  });

  test('send a locked group to the slow lane, where it delays no other and keeps its order', async () => {
    const { fast, slow, add, pause, resume } = batchesOf({ locked: (group, batch) => group === 'busy' && batch === 1 });
    pause('slow');
    const order: string[] = [];
    const note = (name: string, group?: string) => add(name, group).then((done) => order.push(done));
    const waiting = [note('b1', 'busy'), note('b2', 'busy')];
    await note('a');
    waiting.push(note('b3', 'busy'));
    await note('c');
    expect(order).toEqual(['a', 'c']);
    expect({ fast, slow }).toEqual({ fast: [['b1', 'b2', 'a'], ['c']], slow: [['b1', 'b2']] });
    resume();
    await Promise.all(waiting);
    expect(order).toEqual(['a', 'c', 'b1', 'b2', 'b3']);
    expect(slow).toEqual([['b1', 'b2'], ['b3']]);
    await note('b4', 'busy');
    expect(fast.at(-1)).toEqual(['b4']);
  });

  test('wait for few locks at once, and count the items that wait for one', async () => {
    const { slow, add, pause, resume } = batchesOf({ locked: (group) => group.startsWith('busy'), capacity: 5 });
    pause('slow');
    const waiting = [1, 2, 3, 4].map((each) => add(`b${each}`, `busy${each}`));
    await turn();
    await turn();
    expect(slow).toEqual([['b1'], ['b2']]);
    waiting.push(add('b5', 'busy5'));
    expect(() => add('b6')).toThrow(expect.objectContaining({ code: 'overloaded' }));
    resume();
    expect(await Promise.all(waiting)).toEqual(['b1', 'b2', 'b3', 'b4', 'b5']);
  });

  test('never contain two items with one key in the slow lane either', async () => {
    const { slow, add } = batchesOf({ locked: () => true });
    await Promise.all([add('a', 'x'), add('b', 'x'), add('a', 'x')]);
    expect(slow.flat()).toEqual(['a', 'b', 'a']);
    expect(slow.every((batch) => new Set(batch).size === batch.length)).toBe(true);
  });

  test('fail only the item that the database refuses, wherever it is', async () => {
    for (let bad = 0; bad < 5; bad++) {
      const batches = new Batches<number, number>({
        write: async (items) => {
          if (items.includes(bad)) throw refusal('23514');
          return items;
        },
        groupOf: String,
        batchSize: 10,
        concurrency: { idle: 1, loaded: 1 },
        capacity: 10,
      });
      const outcomes = await Promise.allSettled([0, 1, 2, 3, 4].map((item) => batches.add(item)));
      expect(outcomes.map(({ status }) => status === 'rejected')).toEqual([0, 1, 2, 3, 4].map((item) => item === bad));
    }
  });

  test('are not divided when the database could not be reached', async () => {
    for (const error of [refusal(), refusal('57P01'), new Error('connection terminated')]) {
      let writes = 0;
      const batches = new Batches<number, number>({
        write: async () => {
          writes++;
          throw error;
        },
        groupOf: String,
        batchSize: 10,
        concurrency: { idle: 1, loaded: 1 },
        capacity: 10,
      });
      const outcomes = await Promise.allSettled([1, 2, 3].map((item) => batches.add(item)));
      expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
      expect(writes).toBe(1);
    }
  });
});
