// Prints the median µs per operation of each peer, measured in turns so that a
// change of the machine's speed reaches all of them alike.
import { peers } from './peers.mjs';

const rounds = 7;
const slice = 60; // ms a task runs in each round

const { tasks, record } = await peers();
const samples = tasks.map(() => []);
for (const [group, name, run] of tasks) {
  if (!run()) throw new Error(`${group}: ${name} does not work`);
}
for (let round = 0; round < rounds; round++) {
  tasks.forEach(([, , run], i) => {
    const start = performance.now();
    let n = 0;
    while (performance.now() - start < slice) {
      run();
      n++;
    }
    samples[i].push((1000 * (performance.now() - start)) / n);
  });
}
console.log(`Peers in Node ${process.version}, event of ${record.length} bytes, median of ${rounds} rounds`);
tasks.forEach(([group, name], i) => {
  const median = samples[i].sort((a, b) => a - b)[rounds >> 1];
  console.log(`${group.padEnd(20)} ${name.padEnd(40)} ${median.toFixed(1).padStart(8)} µs`);
});
