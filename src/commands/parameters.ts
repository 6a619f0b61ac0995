import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { StartError } from '../platform/start-error.js';

/**
 * Reads the parameters of a command: options as they are described, and at most so many others.
 * @throws StartError that names the one that is wrong
 */
export function readParameters<Options extends ParseArgsOptionsConfig>(
  parameters: string[],
  options: Options,
  { most, usage }: { most: number; usage: string },
) {
  try {
    const read = parseArgs({ args: parameters, options, allowPositionals: true, strict: true });
    if (read.positionals.length <= most) return read;
    throw new StartError(`There are too many parameters; a path with spaces needs quotes. ${usage}`);
  } catch (error) {
    if (error instanceof StartError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error;
    throw new StartError(`${message.split('. ')[0]!.replace(/\.?$/, '.')} ${usage}`);
  }
}
