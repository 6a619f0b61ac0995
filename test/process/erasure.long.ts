import { test } from '@jest/globals';
import { eraseWhileKilledAt } from '../crash/oblivion.js';
import { erasurePoints } from '../crash/orders.js';

/** Promise 6: an erasure that has begun comes to its end, wherever the service is killed. */

const wanted = process.env['ERASURE_POINTS']?.split(',');

test.each(erasurePoints.filter((point) => wanted?.includes(point) ?? true))(
  'an erasure whose service is killed at the point %s ends all the same',
  eraseWhileKilledAt,
);
