import { describe, expect, jest, test } from '@jest/globals';
import { Gathering, later } from './gathering.js';

interface Item {
  group: string;
  name: string;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A gathering whose writes are noted, and end when they are told to. */
function gatheringOf(
  outcomeOf: (item: Item, round: number) => string | typeof later = ({ name }) => name,
  options: { atOnce?: number; rounds?: number; spacing?: number; most?: number } = {},
) {
  const rounds: string[][] = [];
  let release: (() => void)[] = [];
  let held = false;
  const gathering = new Gathering<Item, string>({
    write: async (items) => {
      const round = rounds.push(items.map(({ name }) => name));
      if (held) await new Promise<void>((resolve) => release.push(resolve));
      return items.map((item) => outcomeOf(item, round));
    },
    groupOf: ({ group }) => group,
    keyOf: ({ name }) => name,
    atOnce: options.atOnce ?? 100,
    rounds: options.rounds ?? 1,
    spacing: options.spacing ?? 0,
    most: options.most ?? 100,
  });
  return {
    rounds,
    add: (name: string, group = name) => gathering.add({ group, name }),
    hold: () => (held = true),
    release: () => {
      held = false;
      for (const end of release) end();
      release = [];
    },
  };
}

/** What the driver says when PostgreSQL refuses. */
const refusal = (code?: string) => Object.assign(new Error('refused'), { driverError: { code } });

describe('gathering', () => {
  test('writes together what comes in one turn, and what comes while a write is under way', async () => {
    const { rounds, add, hold, release } = gatheringOf();
    hold();
    const first = [add('a'), add('b')];
    await turn();
    const second = [add('c'), add('d'), add('e')];
    await turn();
    expect(rounds).toEqual([['a', 'b']]);
    release();
    expect(await Promise.all([...first, ...second])).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(rounds).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
  });

  test('writes no more at once than it may, in the order of arrival', async () => {
    const { rounds, add } = gatheringOf(undefined, { atOnce: 2 });
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => add(name)));
    expect(rounds).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  test('writes several rounds at once, but one of each group', async () => {
    const { rounds, add, hold, release } = gatheringOf(undefined, { rounds: 2 });
    hold();
    const first = add('a1', 'a');
    await turn();
    const second = [add('a2', 'a'), add('b1', 'b')];
    await turn();
    const third = [add('b2', 'b'), add('c', 'c')];
    await turn();
    expect(rounds).toEqual([['a1'], ['b1']]);
    release();
    await Promise.all([first, ...second, ...third]);
    expect(rounds.slice(2).flat().sort()).toEqual(['a2', 'b2', 'c']);
  });

  test('spaces the beginnings of rounds, the first of which waits for nothing', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const { rounds, add } = gatheringOf(undefined, { rounds: 2, spacing: 20 });
      const first = add('a');
      await turn();
      expect(rounds).toEqual([['a']]);
      await first;
      const second = [add('b')];
      await turn();
      jest.advanceTimersByTime(10);
      second.push(add('c'));
      await turn();
      jest.advanceTimersByTime(9);
      await turn();
      expect(rounds).toEqual([['a']]);
      jest.advanceTimersByTime(1);
      await Promise.all(second);
      expect(rounds.slice(1)).toEqual([['b', 'c']]);

      jest.advanceTimersByTime(20);
      const third = add('d');
      await turn();
      expect(rounds.slice(2)).toEqual([['d']]);
      await third;
    } finally {
      jest.useRealTimers();
    }
  });

  test('puts two items of one key into two rounds', async () => {
    const { rounds, add } = gatheringOf();
    await Promise.all([add('a', 'x'), add('a', 'x'), add('b', 'x')]);
    expect(rounds).toEqual([['a', 'b'], ['a']]);
  });

  test('refuses one more than may wait, and takes it once there is room', async () => {
    const { add, hold, release } = gatheringOf(undefined, { most: 3 });
    hold();
    const taken = [add('a'), add('b')];
    await turn();
    taken.push(add('c'));
    expect(() => add('d')).toThrow(expect.objectContaining({ code: 'overloaded' }));
    release();
    await Promise.all(taken);
    expect(await add('d')).toBe('d');
  });

  test('lets a busy group wait alone, tries only its first item again, and keeps its order', async () => {
    const { rounds, add } = gatheringOf(({ group, name }, round) => (group === 'busy' && round < 4 ? later : name));
    const order: string[] = [];
    const note = (name: string, group?: string) => add(name, group).then((done) => order.push(done));
    await Promise.all([note('b1', 'busy'), note('a'), note('b2', 'busy'), note('b3', 'busy')]);
    expect(rounds).toEqual([['b1', 'a', 'b2', 'b3'], ['b1'], ['b1'], ['b1'], ['b2', 'b3']]);
    expect(order).toEqual(['a', 'b1', 'b2', 'b3']);
  });

  test('leaves room in a round for others when many groups are busy', async () => {
    const { rounds, add } = gatheringOf(
      ({ group, name }, round) => (group.startsWith('busy') && round < 3 ? later : name),
      {
        atOnce: 8,
      },
    );
    const busy = Array.from({ length: 8 }, (_, i) => add(`b${i}`, `busy${i}`));
    const free = Array.from({ length: 6 }, (_, i) => add(`f${i}`));
    await Promise.all([...busy, ...free]);
    expect(rounds[1]).toEqual(['f0', 'f1', 'f2', 'f3', 'f4', 'f5']);
    expect(Math.max(...rounds.slice(2).map((round) => round.length))).toBeLessThanOrEqual(2);
  });

  test('fails alone what the database refuses, wherever it stands', async () => {
    for (let bad = 0; bad < 5; bad++) {
      const { add } = gatheringOf();
      const gathering = new Gathering<number, number>({
        write: async (items) => {
          if (items.includes(bad)) throw refusal('23514');
          return items;
        },
        groupOf: String,
        atOnce: 10,
        rounds: 1,
        most: 10,
      });
      const outcomes = await Promise.allSettled([0, 1, 2, 3, 4].map((item) => gathering.add(item)));
      expect(outcomes.map(({ status }) => status === 'rejected')).toEqual([0, 1, 2, 3, 4].map((item) => item === bad));
      await add('after');
    }
  });

  test('does not try one by one what could not be asked at all', async () => {
    for (const error of [refusal(), refusal('57P01'), new Error('connection terminated')]) {
      let writes = 0;
      const gathering = new Gathering<number, number>({
        write: async () => {
          writes++;
          throw error;
        },
        groupOf: String,
        atOnce: 10,
        rounds: 1,
        most: 10,
      });
      const outcomes = await Promise.allSettled([1, 2, 3].map((item) => gathering.add(item)));
      expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
      expect(writes).toBe(1);
    }
  });
});
