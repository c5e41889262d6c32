import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { allWeights, findWeights } from '../../axon/hubs/pytorch/weights.ts';
import { parseManifest } from '../../protocol/manifest.ts';
import type { Fault } from '../hub-double/faults.ts';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { headOfCode } from '../hub-double/pytorch.ts';
import { resnet50File, torchFile } from '../hub-double/torch-file.ts';
import { makeHome } from './run-axon.ts';

const tiny = torchFile('tiny');
const tinyName = `tiny-${sha256(tiny).slice(0, 8)}.pth`;
const foreign = 'f'.repeat(40);

const hubconf = (cdn: string) => `
"""A docstring with load_state_dict_from_url('https://example.com/no.pth') in it."""
dependencies = ['torch']
import torch
from models.net import other as imported  # a comment, def not_me():
model_urls = {
    'tiny': '${cdn}/${tinyName}',  # the hash is in the name
    'wrong': '${cdn}/wrong-00000000.pth',
}
BASE = "${cdn}/"
NAME = 'plain'

def _make(arch, pretrained=False):
    if pretrained:
        state = torch.hub.load_state_dict_from_url(model_urls[arch], progress=False)
    return arch

def tiny(pretrained=True, **kwargs):
    """def inside(): of a text"""
    return _make('tiny', pretrained=pretrained)

def wrong(): return _make("wrong", True)

def plain(pretrained=True):
    url = BASE + NAME + '.pth'
    return torch.hub.load_state_dict_from_url(
        url=url,
        map_location='cpu')

def computed(size='s'):
    return torch.hub.load_state_dict_from_url(f"${cdn}/net_{size}.pth")

def both():
    _make('tiny', True)
    torch.hub.load_state_dict_from_url(BASE + 'plain.pth')

def none():
    return 1
`;

let double: HubDouble;
const code = {
  id: 'acme/nets',
  license: 'MIT',
  foreign: [foreign],
  files: {} as Record<string, string>,
};
before(async () => {
  double = await startHubDouble({
    weights: { 'resnet50-11ad3fa6.pth': resnet50File(), 'resnet50-0676ba61.pth': tiny },
    files: { [tinyName]: tiny, 'wrong-00000000.pth': tiny, 'plain.pth': tiny },
    code: [code],
  });
  code.files['hubconf.py'] = hubconf(double.cdn);
  code.files['models/net.py'] =
    `def other(): return load_state_dict_from_url('${double.cdn}/plain.pth')`;
});
beforeEach(() => {
  double.tellTheTruth();
  double.seen.length = 0;
});
after(() => double.close());

function manifestOf(models: string, id: string) {
  return parseManifest(fs.readFileSync(path.join(models, id, 'manifest.yaml'), 'utf8'));
}

test('a torchvision model is the file that DEFAULT names, checked against the hash in its name', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axon('install', 'pytorch/vision/resnet50', '--json');
  assert.equal(done.status, 0, done.stderr);
  assert.equal(done.json()['id'], 'pytorch/vision/resnet50@latest');
  const manifest = manifestOf(home.models, 'pytorch/vision/resnet50/latest');
  assert.deepEqual(
    manifest.spec.format.files.map((file) => [file.path, file.verified_by]),
    [['resnet50-11ad3fa6.pth', 'sha256-prefix']],
  );
  assert.equal(manifest.distribution?.source?.revision, 'IMAGENET1K_V2-11ad3fa6');
  assert.equal(manifest.spec.format.type, 'pytorch');
  assert.equal(manifest.metadata.license, 'unknown', 'torchvision states none');
  assert.match(manifest.metadata.description ?? '', /ResNet50_Weights\.IMAGENET1K_V2/);
  const requests = double.seen.length;
  const again = await home.axon('install', 'torch/vision/resnet50', '--json');
  assert.equal(again.json()['status'], 'already-installed');
  assert.equal(double.seen.length, requests, 'no request for what is here');
});

test('weights by member, short name, hash and former default; what is unknown names the nearest', async (t) => {
  const home = makeHome(t, double);
  const revision = async (spec: string) => {
    const shown = await home.axon('install', spec, '--dry-run', '--json');
    assert.equal(shown.status, 0, shown.stderr);
    return shown.json<{ source: { revision: string } }>().source.revision;
  };
  for (const asked of ['IMAGENET1K_V1', 'V1', '0676ba61', 'pretrained'])
    assert.equal(
      await revision(`pytorch/vision/resnet50@${asked}`),
      'IMAGENET1K_V1-0676ba61',
      asked,
    );
  const wrong = await home.axon('install', 'pytorch/vision/resnet50@V1');
  assert.equal(wrong.status, 10, wrong.stderr);
  const typo = await home.axon('install', 'pytorch/vision/resnt50');
  assert.equal(typo.status, 5);
  assert.match(typo.stderr, /Did you mean "resnet50"/);
  const none = await home.axon('install', 'pytorch/vision/resnet50@V3');
  assert.equal(none.status, 5);
  assert.match(none.stderr, /IMAGENET1K_V2 \(latest\)/);
  const gone = await home.axon('install', 'pytorch/vision/alexnet');
  assert.equal(gone.status, 5, gone.stderr);
  for (const spec of [
    'pytorch/resnet50',
    'pytorch/vision/../x',
    'pytorch/vision/a@../b',
    'pytorch/a/b/c/d',
  ])
    assert.equal((await home.axon('install', spec)).status, 2, spec);
  assert.deepEqual(home.installed(), []);
});

test('the weights table is whole: one default a model, a hash for each file', () => {
  assert.equal(allWeights.length, 166);
  for (const builder of new Set(allWeights.map((one) => one.builder)))
    assert.equal(
      allWeights.filter((one) => one.builder === builder && one.isDefault).length,
      1,
      builder,
    );
  for (const { expected, file } of allWeights)
    assert.ok(file.includes(expected.hex.slice(0, 8)), file);
  assert.equal(findWeights('vit_b_16', 'IMAGENET1K_SWAG_E2E_V1').license, 'CC-BY-NC-4.0');
  assert.equal(findWeights('raft_large', 'SKHT_V2').member, 'C_T_SKHT_V2');
});

test('what torch.hub has loaded here already is taken from its cache, if it is right', async (t) => {
  const home = makeHome(t, double);
  const cached = path.join(home.dir, '.cache/torch/hub/checkpoints/resnet50-11ad3fa6.pth');
  fs.mkdirSync(path.dirname(cached), { recursive: true });
  fs.writeFileSync(cached, resnet50File(), { mode: 0o444 });
  double.lie({ on: 'pytorch', kind: 'flip' });
  const done = await home.axon('install', 'pytorch/vision/resnet50');
  assert.equal(done.status, 0, done.stderr);
  assert.ok(!double.seen.some(({ headers }) => headers.range === undefined), 'no file was fetched');
  const bad = makeHome(t, double);
  const elsewhere = path.join(bad.dir, 'torch/hub/checkpoints/resnet50-11ad3fa6.pth');
  fs.mkdirSync(path.dirname(elsewhere), { recursive: true });
  fs.writeFileSync(elsewhere, Buffer.alloc(resnet50File().length));
  double.tellTheTruth();
  const env = { TORCH_HOME: path.join(bad.dir, 'torch') };
  assert.equal((await bad.axonWith(env, 'install', 'pytorch/vision/resnet50')).status, 0);
  assert.ok(
    fs.readFileSync(elsewhere).equals(Buffer.alloc(resnet50File().length)),
    'left as it was',
  );
  const installed = path.join(bad.models, 'pytorch/vision/resnet50/latest/resnet50-11ad3fa6.pth');
  assert.ok(fs.readFileSync(installed).equals(resnet50File()));
});

test('a repository is read at its commit: hashes in names are checked, others trusted on first use', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axonWith(
    { GITHUB_TOKEN: 'gh_good' },
    'install',
    'pytorch/acme/nets/tiny',
    '--json',
  );
  assert.equal(done.status, 0, done.stderr);
  const manifest = manifestOf(home.models, 'pytorch/acme/nets/tiny/latest');
  assert.equal(manifest.distribution?.source?.revision, headOfCode(code));
  assert.deepEqual(
    manifest.spec.format.files.map((file) => [file.path, file.verified_by]),
    [[tinyName, 'sha256-prefix']],
  );
  assert.equal(
    manifest.metadata.license,
    'unknown',
    'the licence of the code is not that of the weights',
  );
  assert.match(manifest.metadata.description ?? '', /own licence: MIT/);
  for (const { on, headers } of double.seen)
    assert.equal(headers.authorization, on === 'github' ? 'Bearer gh_good' : undefined, on);

  for (const entry of ['plain', 'imported']) {
    const spec = `pytorch/acme/nets/${entry}@v1`;
    assert.equal((await home.axon('install', spec)).status, 24, 'a pickle that nobody vouches for');
    const tofu = await home.axon('install', spec, '--allow-pickle');
    assert.equal(tofu.status, 0, tofu.stderr);
    assert.match(tofu.stderr, /states no hash/);
    const [file] = manifestOf(home.models, `pytorch/acme/nets/${entry}/v1`).spec.format.files;
    assert.deepEqual([file?.path, file?.verified_by], ['plain.pth', 'tofu']);
  }
});

const refusals: Record<string, { spec: string; status: number; says: RegExp }> = {
  'an address made up by code': { spec: 'computed', status: 14, says: /only running the code/ },
  'an entrypoint without weights': { spec: 'none', status: 14, says: /no weights/ },
  'an unknown entrypoint': { spec: 'tinny', status: 5, says: /Did you mean "tiny".*plain/ },
  'several weights': { spec: 'both', status: 13, says: /--include/ },
  'a wrong hash in the name': { spec: 'wrong', status: 10, says: /sha256-prefix 00000000/ },
  'a branch that is not there': { spec: 'tiny@nope', status: 5, says: /no branch or tag/ },
  'a commit of a fork': { spec: `tiny@${foreign}`, status: 5, says: /not one of the branch main/ },
};

for (const [name, { spec, status, says }] of Object.entries(refusals)) {
  test(`${name} ends with exit code ${status} and nothing installed`, async (t) => {
    const home = makeHome(t, double);
    const ended = await home.axon('install', `pytorch/acme/nets/${spec}`);
    assert.equal(ended.status, status, ended.stderr);
    assert.match(ended.stderr, says);
    assert.deepEqual(home.installed(), []);
  });
}

const file = 'resnet50-11ad3fa6';
const rows: Record<string, { fault: Fault; status: number }> = {
  'one flipped byte, once': {
    fault: { on: 'pytorch', match: file, kind: 'flip', times: 2 },
    status: 0,
  },
  'a flipped byte, always': { fault: { on: 'pytorch', match: file, kind: 'flip' }, status: 10 },
  'a cut connection, twice': {
    fault: { on: 'pytorch', match: file, kind: 'cut', times: 2 },
    status: 0,
  },
  'a web page': { fault: { on: 'pytorch', match: file, kind: 'html' }, status: 9 },
  'a refusal': { fault: { on: 'pytorch', kind: 'status', status: 403 }, status: 6 },
  '503 always': { fault: { on: 'pytorch', kind: 'status', status: 503 }, status: 7 },
  'a redirect in a circle': { fault: { on: 'pytorch', kind: 'loop' }, status: 9 },
};

for (const [name, { fault, status }] of Object.entries(rows)) {
  test(`weights, ${name}: ${status === 0 ? 'verified bytes' : `exit code ${status}`}`, async (t) => {
    const home = makeHome(t, double);
    double.lie(fault);
    const ended = await home.axon('install', 'pytorch/vision/resnet50');
    assert.equal(ended.status, status, ended.stderr);
    if (status !== 0) assert.deepEqual(home.installed(), []);
    else {
      const installed = path.join(home.models, 'pytorch/vision/resnet50/latest', `${file}.pth`);
      assert.ok(fs.readFileSync(installed).equals(resnet50File()));
    }
  });
}
