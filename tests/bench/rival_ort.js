// SPDX-License-Identifier: MIT
// ONNX Runtime in float32 on the same weights, one thread: a worker of run.py, which answers
// requests as rival_torch.py does.
//
//     node rival_ort.js
//
//     lstm FILE.onnx STEPS          steps, the state carried on
//     transformer FILE.onnx STEPS   notes with a cache of keys and values, windows full
//
// onnxruntime-node is looked for where NODE_PATH says.
'use strict';

const readline = require('readline');
const ort = require('onnxruntime-node');

const BLOCKS = 5;
const made = new Map();

function random(length) {
  return Float32Array.from({length}, () => (Math.random() * 2 - 1) * Math.sqrt(3));
}

function tensor(dims, fill) {
  const length = dims.reduce((a, b) => a * b, 1);
  return new ort.Tensor('float32', fill ? fill(length) : new Float32Array(length), dims);
}

function shapes(metadata) {
  return Object.fromEntries(metadata.map(({name, shape}) => [name, shape]));
}

async function open(file) {
  return ort.InferenceSession.create(file, {
    intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential',
    graphOptimizationLevel: 'all', extra: {session: {set_denormal_as_zero: '1'}}});
}

async function lstm(file) {
  const session = await open(file), shape = shapes(session.inputMetadata);
  const states = session.inputNames.filter(name => name.startsWith('state'));
  const feeds = {x: tensor(shape.x, n => Float32Array.from({length: n}, () => Math.random() < 0.03))};
  // What a step writes the next one reads, without a copy and without an allocation.
  const fetches = {out: tensor(shapes(session.outputMetadata).out)};
  for (const name of states) {
    feeds[name] = tensor(shape[name]);
    fetches['new_' + name] = tensor(shape[name]);
  }
  return async () => {
    await session.run(feeds, fetches);
    for (const name of states)
      [feeds[name], fetches['new_' + name]] = [fetches['new_' + name], feeds[name]];
  };
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

async function transformer(file) {
  const session = await open(file), shape = shapes(session.inputMetadata);
  const caches = session.inputNames.filter(name => name.startsWith('state'));
  const feeds = {note: new ort.Tensor('int64', BigInt64Array.from([10n, 60n, 30n, 16n]), [1, 4])};
  const fetches = {out: new ort.Tensor('int64', new BigInt64Array(4), [1, 4])};
  for (const name of caches) {
    feeds[name] = tensor(shape[name], random);
    fetches['new_' + name] = tensor([1, shape[name][1], 64]);
  }
  let number = 0;
  return async () => {
    number++;
    feeds.phase = phase(number, 9 * number);
    await session.run(feeds, fetches);
    [feeds.note, fetches.out] = [fetches.out, feeds.note];
    for (const name of caches) {
      const [, heads, rows] = shape[name];
      const cache = feeds[name].data, row = fetches['new_' + name].data;
      for (let head = 0; head < heads; head++)
        cache.set(row.subarray(head * 64, head * 64 + 64), (head * rows + number % rows) * 64);
    }
  };
}

function median(list) {
  return list.sort((a, b) => a - b)[list.length >> 1];
}

async function measure(step, steps) {
  const size = Math.max(1, Math.floor(steps / BLOCKS)), walls = [], cpus = [];
  for (let block = 0; block <= BLOCKS; block++) {
    const wall = process.hrtime.bigint(), cpu = process.cpuUsage();
    for (let i = 0; i < size; i++) await step();
    if (block === 0) continue; // it finds the machine as the others left it
    const used = process.cpuUsage(cpu);
    walls.push(Number(process.hrtime.bigint() - wall) / 1000 / size);
    cpus.push((used.user + used.system) / size);
  }
  return `wall_us ${median(walls).toFixed(1)} cpu_us ${median(cpus).toFixed(1)}`;
}

async function main() {
  console.log(`version ${ort.env.versions.node || ort.env.versions.common}`);
  for await (const line of readline.createInterface({input: process.stdin})) {
    const [kind, file, steps] = line.split(' ');
    if (!made.has(file)) {
      made.set(file, await {lstm, transformer}[kind](file));
      for (let i = 0; i < 20; i++) await made.get(file)();
    }
    console.log(await measure(made.get(file), Number(steps)));
  }
}

main().catch(error => { console.error(error.message); process.exit(1); });
