import { statSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../dist/client/client.js';
import { writeTextEncoder } from '../dist/testing/tasks/text-encoder.js';
import { memoryMb, processTree } from './machine.mjs';
import { startQuietDaemon, using } from './processes.mjs';
import { check, targets } from './targets.mjs';

/**
 * What memory does a model take that some apps ask in tensors and others in words: are its weights there once?
 * A small model does both before, so that the code of tasks and its own memory do not count.
 */
const small = { layers: 1, width: 64, heads: 1 };
const large = { layers: 12, width: 512, heads: 8 };
const asks = 20;

/** One row of 16 tokens. */
function tensors() {
  const shape = [1, 16];
  return {
    input_ids: { dtype: 'int64', shape, data: new BigInt64Array(16).fill(5n) },
    attention_mask: { dtype: 'int64', shape, data: new BigInt64Array(16).fill(1n) },
  };
}

async function open(daemon, client, { id, size }) {
  const folder = join(daemon.folder, 'models', id.replaceAll(/\W/g, '-'));
  const file = await writeTextEncoder(folder, size);
  await client.call('models.register', { model_id: id, path: file, load: true });
  return {
    bytes: statSync(file).size,
    inTensors: () => client.infer(id, tensors()),
    inWords: () =>
      client.call('models.infer', { model_id: id, input: 'the cat sat on a mat in paris' }),
  };
}

async function times(ask) {
  for (let count = 0; count < asks; count += 1) await ask();
}

export function memory() {
  return using([startQuietDaemon], async (daemon) => {
    const client = await connect({ socketPath: daemon.socketPath });
    const rows = [];
    let before = 0;
    const note = (name, weightsMb) => {
      const all = processTree(daemon.pid).map(memoryMb);
      const rss = all.reduce((sum, one) => sum + one.rss, 0);
      rows.push({ name, rss_mb: rss, more_mb: rss - before, weights: (rss - before) / weightsMb });
      before = rss;
      return rows.at(-1).weights;
    };
    try {
      const warm = await open(daemon, client, { id: 'bench/warm@1', size: small });
      await times(warm.inTensors);
      await times(warm.inWords);
      note('a small model, used both ways', Number.NaN);
      const model = await open(daemon, client, { id: 'bench/large@1', size: large });
      const weightsMb = model.bytes / 1e6;
      await times(model.inTensors);
      const alone = note('the large one, used in tensors', weightsMb);
      await times(model.inWords);
      const added = note('the same, used in words, too', weightsMb);
      const other = await open(daemon, client, { id: 'bench/other@1', size: large });
      await times(other.inTensors);
      note('one more of that size', weightsMb);
      const { secondUse, weightsTimes } = targets.memory;
      return {
        id: 'memory',
        title: `Memory of the daemon and its plugins; the large model has ${Math.round(weightsMb)} MB of weights`,
        rows,
        checks: [
          check('memory of a model, times its weights', alone, { atMost: weightsTimes }),
          check('what its task adds to a model, of its weights', added, { atMost: secondUse }),
        ],
      };
    } finally {
      await client.close();
    }
  });
}
