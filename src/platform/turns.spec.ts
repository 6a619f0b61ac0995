import 'reflect-metadata';
import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { DomainError } from './problems/domain-error.js';
import { Turns } from './turns.js';

const options = { concurrency: 2, concurrencyPerAsker: 2, waiting: 6, waitingPerAsker: 4, of: 'requests' };

describe('turns', () => {
  let turns: Turns;
  let begun: string[];
  let ends: Map<string, () => void>;

  beforeEach(() => {
    turns = new Turns(options);
    begun = [];
    ends = new Map();
  });

  /** Work that goes on until it is ended by its name, which begins with its asker. */
  const begin = (name: string, weight = 1) => {
    const work = () => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    };
    return turns.run(name[0]!, work, weight).catch((error: DomainError) => error.code);
  };
  const end = async (name: string) => {
    ends.get(name)!();
    await turn();
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test('are given in the order of requests, to a limited number at once', async () => {
    const works = ['a1', 'a2', 'a3', 'a4'].map((name) => begin(name));
    await turn();
    expect(begun).toEqual(['a1', 'a2']);
    await end('a2');
    expect(begun).toEqual(['a1', 'a2', 'a3']);
    await end('a1');
    await end('a3');
    await end('a4');
    expect(await Promise.all(works)).toEqual(['a1', 'a2', 'a3', 'a4']);
  });

  test('alternate between askers, however many one asker requests', async () => {
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1']) void begin(name);
    await turn();
    for (const name of ['a1', 'a2', 'b1', 'c1']) await end(name);
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'a4']);
  });

  test('of one asker are refused when too many wait, while those of another are not', async () => {
    const works = Array.from({ length: 7 }, (_, index) => begin(`a${index}`));
    await expect(works[6]).resolves.toBe('rate_limited');
    const other = begin('b1');
    await end('a0');
    await end('a1');
    expect(begun).toContain('b1');
    await end('b1');
    expect(await other).toBe('b1');
  });

  test('are first refused to askers that already wait when too many wait in all', async () => {
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'b3']) void begin(name);
    await expect(begin('a6')).resolves.toBe('overloaded');
    await expect(begin('b4')).resolves.toBe('overloaded');
    void begin('c1');
    await expect(begin('c2')).resolves.toBe('overloaded');
    for (const name of ['a1', 'a2']) await end(name);
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1']);
  });

  test('are refused to everybody when ten times as many wait, or the stated number', async () => {
    const askers = Array.from({ length: 63 }, (_, index) => String.fromCharCode(0x4e00 + index));
    let works = askers.map((asker) => begin(asker));
    await expect(works[62]).resolves.toBe('overloaded');
    for (const asker of askers.slice(0, 62)) await end(asker);
    expect(await Promise.all(works)).toEqual([...askers.slice(0, 62), 'overloaded']);

    turns = new Turns({ ...options, waitingAtMost: 7 });
    works = askers.slice(0, 10).map((asker) => begin(asker));
    await expect(works[9]).resolves.toBe('overloaded');
    for (const asker of askers.slice(0, 9)) await end(asker);
    expect(await works[8]).toBe(askers[8]);
  });

  test('of heavy work count by its weight, and work that is too heavy runs alone', async () => {
    void begin('a1', 5);
    void begin('b1');
    await turn();
    expect(begun).toEqual(['a1']);
    expect(await begin('a2', 5)).toBe('rate_limited');
    await end('a1');
    expect(begun).toEqual(['a1', 'b1']);
  });

  test('limit only each asker if there is no limit for all', async () => {
    turns = new Turns({ ...options, concurrency: Infinity, waiting: Infinity });
    for (const name of ['a1', 'a2', 'a3', 'b1']) void begin(name);
    await turn();
    expect(begun).toEqual(['a1', 'a2', 'b1']);
    await end('b1');
    expect(begun).not.toContain('a3');
    await end('a1');
    expect(begun).toContain('a3');
  });

  test('of an asker that has left pass to the next', async () => {
    const answer = new EventEmitter();
    const [first, second] = [await turns.acquire('a'), await turns.acquire('a')];
    const left = turns.acquire('a', { answer });
    const stays = turns.acquire('a', { answer: new EventEmitter() });
    answer.emit('close');
    await expect(left).rejects.toBeInstanceOf(DomainError);
    first();
    (await stays)();
    second();
    await expect(turns.acquire('a')).resolves.toBeInstanceOf(Function);
  });

  test('keep no state of an asker without requests', async () => {
    const release = await turns.acquire('a');
    release();
    release();
    expect((turns as unknown as { queues: Map<string, unknown> }).queues.size).toBe(0);
    expect((turns as unknown as { underWay: number }).underWay).toBe(0);
  });
});
