import { test } from '@jest/globals';
import fc from 'fast-check';
import { anyStep, pauses, Scenario } from './simulation/scenario.js';

/** Promises 3 and 4: whatever happens, a client ends up with what a fresh load gives, and stores what it queued once. */

const { RUNS = 80, SEED, SHRINK } = process.env;

const steps = fc.array(anyStep, { minLength: 10, maxLength: 80, size: 'max' });

test.each(['subscriber', 'interlocutor'] as const)(
  'two tabs of one %s agree with a fresh load in the end',
  async (party) => {
    const property = fc.asyncProperty(steps, fc.nat(2 ** 31), async (steps, chance) => {
      const scenario = new Scenario(party, chance);
      await scenario.play(pauses(steps));
      await scenario.heal();
      scenario.check();
    });
    // To find the shortest steps that fail takes minutes.
    await fc.assert(property, { numRuns: Number(RUNS), seed: SEED ? Number(SEED) : undefined, endOnFailure: !SHRINK });
  },
);
