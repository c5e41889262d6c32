import { createHash } from 'node:crypto';

/** Python packages that one way of converting needs, each of them in exactly this version. */
export interface EnvironmentKind {
  readonly name: string;
  readonly packages: readonly string[];
}

const onnx = ['onnx==1.23.2', 'onnxruntime==1.32.0', 'numpy==2.4.6'];
const torch = ['torch==2.13.0', 'onnxscript==0.7.2', ...onnx];

export const environments = {
  torch: {
    name: 'torch',
    packages: [...torch, 'transformers==5.24.0', 'safetensors==0.8.0'],
  },
  // Beside each other torchvision and transformers break where torch is another build than torchvision's.
  torchvision: { name: 'torchvision', packages: [...torch, 'torchvision==0.28.0'] },
  tensorflow: {
    name: 'tensorflow',
    packages: ['tensorflow-cpu==2.21.0', 'tf2onnx==1.17.0', ...onnx],
  },
} as const satisfies Record<string, EnvironmentKind>;

/** The folder's name: other packages are another environment. */
export function environmentKey({ name, packages }: EnvironmentKind): string {
  const hash = createHash('sha256').update(packages.join('\n')).digest('hex');
  return `${name}-${hash.slice(0, 12)}`;
}
