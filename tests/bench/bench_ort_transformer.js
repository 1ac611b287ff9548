// SPDX-License-Identifier: MIT
// The transformer's step in ONNX Runtime, float32, one thread, one lane, full windows:
//
//     node bench_ort_transformer.js FILE.onnx [STEPS]
//
// FILE.onnx is what bench_torch_transformer.py --onnx writes. onnxruntime-node is looked for where
// NODE_PATH says. Prints a line as bench_net does.
'use strict';

const fs = require('fs');
const ort = require('onnxruntime-node');

const BLOCK = 16;
const path = process.argv[2];
const steps = Number(process.argv[3] || 160);
const {windows, heads} = JSON.parse(fs.readFileSync(path + '.json', 'utf8'));

function random(length, unit) {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = (Math.random() * 2 - 1) * Math.sqrt(3) * unit;
  return values;
}

function phase(number, ticks) {
  const out = new Float32Array(64);
  for (let i = 0; i < 32; i++) {
    const step = (i >> 1) / 15;
    const turns = i % 2 ? ticks / (12 * 1000 ** step) : number / (4 * 512 ** step);
    out[i] = Math.cos(2 * Math.PI * (turns % 1));
    out[32 + i] = Math.sin(2 * Math.PI * (turns % 1));
  }
  return new ort.Tensor('float32', out, [64]);
}

async function main() {
  const session = await ort.InferenceSession.create(
    path, {intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential',
           graphOptimizationLevel: 'all'});
  const inputs = {note: new ort.Tensor('int64', BigInt64Array.from([10n, 60n, 30n, 16n]), [1, 4])};
  windows.forEach((window, layer) => {
    for (const part of [0, 1])
      inputs[`in${2 * layer + part}`] =
        new ort.Tensor('float32', random(heads * (window - 1) * 64, 1), [1, heads, window - 1, 64]);
  });
  const walls = [], cpus = [];
  for (let block = 0; block < Math.max(2, steps / BLOCK) + 2; block++) {
    const wall = process.hrtime.bigint(), cpu = process.cpuUsage();
    for (let step = 0; step < BLOCK; step++) {
      const number = block * BLOCK + step;
      inputs.phase = phase(number, 9 * number);
      const out = await session.run(inputs);
      inputs.note = out.next;
      windows.forEach((window, layer) => {
        for (const part of [0, 1]) {
          const cache = inputs[`in${2 * layer + part}`].data;
          const row = out[`out${2 * layer + part}`].data;
          for (let head = 0; head < heads; head++)
            cache.set(row.subarray(head * 64, head * 64 + 64),
                      (head * (window - 1) + number % (window - 1)) * 64);
        }
      });
    }
    const used = process.cpuUsage(cpu);
    walls.push(Number(process.hrtime.bigint() - wall) / 1000 / BLOCK);
    cpus.push((used.user + used.system) / BLOCK);
  }
  const median = list => list.slice(2).sort((a, b) => a - b)[(list.length - 2) >> 1];
  console.log(`lanes 1 wall_us ${median(walls).toFixed(1)} cpu_us ${median(cpus).toFixed(1)} ` +
              `steps_per_s ${(1e6 / median(walls)).toFixed(0)} ` +
              `cpu_us_least ${Math.min(...cpus.slice(2)).toFixed(1)} threads 1`);
}

main().catch(error => { console.error(error.message); process.exit(1); });
