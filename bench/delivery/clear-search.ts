// A bare server that searches the same texts in clear: PostgreSQL's own full-text search, and nothing else.
import { createServer } from 'node:http';
import pg from 'pg';

export interface ClearAsk {
  /** For `websearch_to_tsquery`. */
  q: string;
  from?: string;
  after?: string;
  before?: string;
}

const [connectionString, subscriberId] = process.argv.slice(2) as [string, string];
const pool = new pg.Pool({ connectionString, max: 2 });

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    void answer(JSON.parse(Buffer.concat(pieces).toString('utf8')) as ClearAsk).then((items) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ items }));
    });
  });
});
server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port));
process.on('disconnect', () => process.exit());

async function answer({ q, from, after, before }: ClearAsk): Promise<unknown[]> {
  const values: unknown[] = [subscriberId, q];
  const conditions = ['subscriber_id = $1', `words @@ websearch_to_tsquery('italian', $2)`];
  const add = (condition: (parameter: string) => string, value: unknown) =>
    value !== undefined && conditions.push(condition(`$${values.push(value)}`));
  add((parameter) => `sender = ${parameter}::party`, from);
  add((parameter) => `sent_at >= ${parameter}::timestamptz`, after);
  add((parameter) => `sent_at < ${parameter}::timestamptz`, before);
  const { rows } = await pool.query(
    `SELECT conversation_id, seq, sent_at, ts_headline('italian', body, websearch_to_tsquery('italian', $2)) AS snippet
     FROM (SELECT * FROM clear.entry WHERE ${conditions.join(' AND ')} ORDER BY sent_at DESC LIMIT 50) AS found`,
    values,
  );
  return rows;
}
