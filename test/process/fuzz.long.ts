import { besiege } from '../fuzz/siege.js';

/** Requests that no client sends, as in fuzz.test.ts, and more of them. */

besiege(2_000);
