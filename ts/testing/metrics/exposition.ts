import assert from 'node:assert/strict';

/** Reads the Prometheus text format and takes nothing that is not in it. */
const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/;
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const sample = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(${label}(?:,${label})*)\\})? (\\S+)$`);
const number = /^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

export class Exposition {
  readonly types = new Map<string, string>();
  readonly #series = new Map<string, number>();

  constructor(text: string) {
    assert.ok(text.endsWith('\n'));
    let family = '';
    for (const line of text.slice(0, -1).split('\n')) {
      if (line === '') continue;
      const begun = help.exec(line)?.[1];
      if (begun !== undefined) {
        assert.ok(!this.types.has(begun), `${begun} stands twice`);
        family = begun;
        continue;
      }
      const typed = type.exec(line);
      if (typed !== null) {
        assert.equal(typed[1], family);
        this.types.set(family, typed[2] ?? '');
        continue;
      }
      const [, name = '', labels = '', value = ''] = sample.exec(line) ?? assert.fail(line);
      const isHistogram = this.types.get(family) === 'histogram';
      const names = isHistogram
        ? ['_bucket', '_sum', '_count'].map((end) => family + end)
        : [family];
      assert.ok(names.includes(name), `${line} is not of ${family}`);
      assert.match(value, number, line);
      const key = `${name}{${labels}}`;
      assert.ok(!this.#series.has(key), `${key} stands twice`);
      this.#series.set(key, Number(value));
    }
  }

  /** Of the one series with these labels; 0 where there is none yet. */
  value(name: string, labels = ''): number {
    return this.#series.get(`${name}{${labels}}`) ?? 0;
  }

  has(name: string, labels = ''): boolean {
    return this.#series.has(`${name}{${labels}}`);
  }

  get keys(): readonly string[] {
    return [...this.#series.keys()];
  }
}
