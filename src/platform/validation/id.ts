import { Param, ParseUUIDPipe, type PipeTransform } from '@nestjs/common';
import { NotFound } from '../problems/domain-error.js';

const lowerCase: PipeTransform<string, string> = { transform: (id) => id.toLowerCase() };

/** The `:id` of a path. What is no UUID cannot be there, and is answered so. */
export const Id = () => Param('id', new ParseUUIDPipe({ exceptionFactory: () => new NotFound() }), lowerCase);
