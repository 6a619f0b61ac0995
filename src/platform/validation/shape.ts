import { limits } from '../../contract/limits.js';
import { DomainError } from '../problems/domain-error.js';

const forbidden = new Set(['__proto__', 'constructor', 'prototype']);
const { requestDepth, requestFields, requestValues } = limits;

/**
 * Refuses values that no request of ours has: nested too deeply, with too many fields or values, with bytes, or with keys
 * that reach for an object's prototype. Counting stops where there is too much, so that later checks may look at everything.
 * @throws DomainError `malformed_request`
 */
export function requirePlainShape(value: unknown): void {
  let values = 0;
  const look = (each: unknown, depth: number): void => {
    values++;
    if (values > requestValues) throw refused(`holds more than ${inWords(requestValues)} values`);
    if (typeof each !== 'object' || each === null) return;
    if (depth >= requestDepth) throw refused(`is nested deeper than ${requestDepth} levels`);
    if (ArrayBuffer.isView(each) || each instanceof ArrayBuffer)
      throw refused('holds bytes, which have no place in it');
    if (Array.isArray(each)) {
      if (each.length > requestValues) throw refused(`holds more than ${inWords(requestValues)} values`);
      for (const item of each) look(item, depth + 1);
      return;
    }
    let fields = 0;
    for (const key in each) {
      if (++fields > requestFields) throw refused(`has an object of more than ${requestFields} fields`);
      if (forbidden.has(key)) throw refused(`has a field ${key}`);
      look((each as Record<string, unknown>)[key], depth + 1);
    }
  };
  look(value, 0);
}

const inWords = (count: number) => count.toLocaleString('en');

function refused(problem: string): DomainError {
  return new DomainError('malformed_request', { detail: `The request ${problem}.` });
}
