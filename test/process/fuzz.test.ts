import { besiege } from '../fuzz/siege.js';

/** Requests that no client sends, over REST, HTTP and Socket.IO: nothing breaks, everything is answered, and others go on. */

const { FUZZ_CASES: cases = '400', FUZZ_SEED: seed } = process.env;

besiege(Number(cases), seed === undefined ? undefined : Number(seed));
