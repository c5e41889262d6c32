import { isMain, main, run } from './steps.mjs';

/**
 * Runs a command without a network: in a network namespace of its own where the kernel lets us (only
 * loopback, brought up), else with every proxy and registry pointing nowhere.
 */
async function offline([program, ...args]) {
  const inNamespace = ['-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', program, ...args];
  const canUnshare = await run('unshare', ['-rn', 'sh', '-c', 'ip link set lo up'], { quiet: true })
    .then(() => true)
    .catch(() => false);
  if (canUnshare) return run('unshare', inNamespace);
  const nowhere = 'http://127.0.0.1:9';
  return run(program, args, {
    env: {
      npm_config_registry: nowhere,
      npm_config_offline: 'true',
      http_proxy: nowhere,
      https_proxy: nowhere,
    },
  });
}

if (isMain(import.meta.url)) await main(() => offline(process.argv.slice(2)));
