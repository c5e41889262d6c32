import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Log } from './log.ts';

test('a change of the level reaches the loggers of every room', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mlos-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'log');
  const log = new Log('warn', file);
  const grandchild = log.logger.child({ host: 'a' }).child({ plugin: 'b' });
  const write = (text: string) => {
    log.logger.info(`${text} root`);
    grandchild.info(`${text} grandchild`);
  };
  write('before');
  log.level = 'info';
  write('between');
  log.level = 'error';
  write('after');
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  assert.deepEqual(messages, ['between root', 'between grandchild']);
});
