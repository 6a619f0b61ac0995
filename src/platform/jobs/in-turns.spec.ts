import { describe, expect, jest, test } from '@jest/globals';
import { inTurns } from './in-turns.js';

const logging = () => ({ failure: jest.fn<(error: unknown) => void>() });

describe('items that take steps in turns', () => {
  test('are all finished, each step of one after one step of the others', async () => {
    const left = new Map([
      ['bread', 2],
      ['milk', 1],
      ['eggs', 3],
    ]);
    const steps: string[] = [];
    const then = jest.fn<() => Promise<void>>();
    const step = (item: string) => {
      steps.push(item);
      left.set(item, left.get(item)! - 1);
      return Promise.resolve(left.get(item)! > 0);
    };
    await inTurns([...left.keys()], step, { log: logging() as never, then });
    expect(steps).toEqual(['bread', 'milk', 'eggs', 'bread', 'eggs', 'eggs']);
    expect(then).not.toHaveBeenCalled();
  });

  test('continue when one fails; its error is thrown at the end, and further ones are logged', async () => {
    const log = logging();
    const steps: string[] = [];
    const step = (item: string) => {
      steps.push(item);
      return item === 'eggs' ? Promise.resolve(false) : Promise.reject(new Error(`no ${item}`));
    };
    await expect(
      inTurns(['bread', 'milk', 'eggs'], step, { log: log as never, then: () => Promise.resolve() }),
    ).rejects.toThrow('no bread');
    expect(steps).toEqual(['bread', 'milk', 'eggs']);
    expect(log.failure.mock.calls).toEqual([[new Error('no milk')]]);
  });

  test('are left for another job when the time is up, before an error is thrown', async () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(0);
    const unfinished: string[] = [];
    const step = (item: string) => {
      now.mockReturnValue(5_000);
      return item === 'milk' ? Promise.reject(new Error('no milk')) : Promise.resolve(true);
    };
    const then = (items: readonly string[]) => Promise.resolve(void unfinished.push(...items));
    await expect(inTurns(['bread', 'milk'], step, { log: logging() as never, then })).rejects.toThrow('no milk');
    expect(unfinished).toEqual(['bread']);
    now.mockRestore();
  });
});
