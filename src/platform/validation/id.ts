import { Param, ParseUUIDPipe, type PipeTransform } from '@nestjs/common';
import { NotFound } from '../problems/domain-error.js';

const lowerCase: PipeTransform<string, string> = { transform: (id) => id.toLowerCase() };

/** The `:id` of a path. What is no UUID cannot be there, and is answered so. */
export const Id = () => Param('id', new ParseUUIDPipe({ exceptionFactory: () => new NotFound() }), lowerCase);

const positiveInteger: PipeTransform<string, number> = {
  transform(text) {
    const number = Number(text);
    if (!/^[1-9]\d{0,9}$/.test(text) || number >= 2 ** 31) throw new NotFound();
    return number;
  },
};

/** The `:seq` of a path, likewise. */
export const Seq = () => Param('seq', positiveInteger);
