import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { configuration, findEjabberd } from './ejabberd.js';
import { type Figure, tableOf } from './figure.js';
import { pictureOf } from './picture.js';
import { postgresVersion } from './stage.js';

const bench = join(import.meta.dirname, '..');
const kept = join(bench, 'delivery.json');
const report = join(bench, 'RESULTS.md');
const picture = join(bench, 'delivery.svg');
const [beginning, end] = ['<!-- delivery -->', '<!-- end of delivery -->'];

interface Measured {
  on: string;
  with: string;
  figures: Figure[];
}

/** Latest measurements, by the name of the figure. */
export type Results = Partial<Record<string, Measured>>;

export async function measuredNow(figures: Figure[]): Promise<Measured> {
  const [cpu] = cpus();
  const ejabberd = await findEjabberd();
  const parts = [
    `${cpus().length} × ${cpu!.model.trim()}`,
    `${Math.round(totalmem() / 2 ** 30)} GB`,
    `Node ${process.version.slice(1)}`,
    `PostgreSQL ${await postgresVersion()}`,
    ejabberd ? `ejabberd ${ejabberd.version} (Debian)` : 'without ejabberd',
  ];
  const on = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
  return { on, with: parts.join(', '), figures };
}

/** Puts new figures beside those of earlier runs, and writes the report and the picture anew. */
export async function writeResults(names: readonly string[], fresh: Results): Promise<void> {
  const all: Results = { ...(JSON.parse(await readFile(kept, 'utf8').catch(() => '{}')) as Results), ...fresh };
  const ordered = names.flatMap((name) => all[name] ?? []);
  const figures = ordered.flatMap((measured) => measured.figures);
  await writeFormatted(kept, JSON.stringify(all));
  await writeFile(picture, pictureOf(figures));
  const text = await readFile(report, 'utf8');
  const before = text.includes(beginning) ? text.slice(0, text.indexOf(beginning)) : `${text.trimEnd()}\n\n`;
  const after = text.includes(end) ? text.slice(text.indexOf(end) + end.length) : '\n';
  await writeFormatted(report, `${before}${beginning}\n\n${sectionOf(ordered)}\n\n${end}${after}`);
}

function sectionOf(ordered: readonly Measured[]): string {
  const figures = ordered.flatMap((measured) => measured.figures);
  const circumstances = [...new Set(ordered.map((measured) => `${measured.on}: ${measured.with}.`))];
  const notes = figures.flatMap(({ title, beside, notes: sentences }) =>
    sentences.length === 0 ? [] : [`- _${title}_, beside ${beside}: ${sentences.join(' ')}`],
  );
  return `## Delivery

    npm run bench                                        # all figures, about a quarter of an hour
    npm run bench -- throughput latency                  # some of them; the others stay as they were
    npm run bench -- throughput --profile profiles       # with a profile of the service, for Chrome's DevTools
    npm run bench -- --rounds 1 --seconds 2              # a short run is only printed

${circumstances.join('\n\n')}

![How each figure stands to its mark](delivery.svg)

${tableOf(figures)}

Medians, and in brackets the least and the most of the rounds. Rounds of the two that are compared alternate; a ratio is that of values of the same round.

${notes.join('\n')}

### How it is measured

- Everything runs on one machine, server and clients each in a process of its own, over the loopback. One PostgreSQL, with the settings that the service gives it (\`fsync\` and \`synchronous_commit\` on), holds the databases of all; what the service derives from stored messages, such as the index, it commits without waiting for the disk. Before each turn it makes a checkpoint.
- The service is the built one, with its limits of rate raised, because all messages come from few devices.
- A message counts once it is stored and acknowledged, the other side has received it, and the receipt of that has come back to the sender. It has about a hundred characters. Each pair of devices is a conversation of its own; in every second the shop is the one that writes.
- Clients are raw sockets, which compose what they send as strings and search in what they hear, for both servers alike. How many messages each pair has under way is tried out for each server, and its best is taken.
- ejabberd archives every message twice, for the sender and for the receiver (XEP-0313), but keeps no receipts; Colloquio keeps those too. It runs without TLS, stream management, rosters and offline storage, each of which would slow it down; its schedulers do not wait busily (\`+sbwt none\`), so that they leave the processors to PostgreSQL; it reaches PostgreSQL over TCP, as it knows no Unix sockets:

\`\`\`yaml
${configuration.trim()}
\`\`\`

- The loop that seals and writes the same calls the service's two SQL functions over two connections, with as many messages and receipts at once as the service did in the same round, and seals the next while PostgreSQL writes.
- Memory is what the server's resident memory grows by, after collecting garbage, once a hundred connections have come and gone.
- The service indexes all of its messages for search meanwhile, except where it says "without indexing": there the change feed is switched off from outside. The words of messages are as frequent as in real texts (Zipf).
- An archive that is searched has messages of two years in 2,000 conversations of one shop, with a vocabulary of 50,000 words: sealed and in the index; and beside it in clear, in a table of the same months with a GIN index of \`tsvector\` (Italian). A search is a request over HTTP, one at a time, 120 of each kind, the kinds in turns. The server in clear is a bare process of Node that asks PostgreSQL and has it make the snippets (\`ts_headline\`).
- A full archive is filled in the order of time, with values of the size of sealed ones; the messages of the measurement go into the same conversations.`;
}

async function writeFormatted(path: string, text: string): Promise<void> {
  const options = await resolveConfig(path);
  await writeFile(path, await format(text, { ...options, filepath: path }));
}
