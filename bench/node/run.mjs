// Times the module and its peers in this JavaScript engine, in turns, so that a
// change of the machine's speed reaches all of them alike.
//
//   node run.mjs [ROUNDS]    one JSON line per task: {section, name, us}, the best of the rounds
import { ours, peers } from './peers.mjs';

const rounds = Number(process.argv[2] ?? 30);
const slice = 12; // ms a task runs in each round

const sample = await peers();
const tasks = [...sample.tasks, ...(await ours(sample))];
for (const { section, name, run } of tasks) {
  if (!run()) throw new Error(`${section}: ${name} does not work`);
}
for (const t of tasks) t.us = Infinity;
for (let round = -1; round < rounds; round++) { // the first one warms up
  for (const t of tasks) {
    const start = performance.now();
    let n = 0;
    while (performance.now() - start < slice) {
      t.run();
      n += t.each ?? 1;
    }
    if (round >= 0) t.us = Math.min(t.us, (1000 * (performance.now() - start)) / n);
  }
}
for (const { section, name, us } of tasks) console.log(JSON.stringify({ section, name, us }));
