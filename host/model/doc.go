// Package model has no code of its own. Its test plays a host, wired as serve
// wires it, against a simple model of what it may answer: random puts, reads,
// scrubs and reindexes, while places and journals are lost, swapped, rolled back
// and damaged, syncs fail, clocks are set and the process is killed. Real folders
// hold the journal and the local places; the other kinds are doubles that behave
// as their servers do.
//
// All of it runs in one process on a clock of its own (testing/synctest), so
// that hours of waiting take no time, and a quiet point is found rather than
// waited for.
//
// A seed gives the whole sequence of steps. A failure prints it, and becomes a
// line of the table in model_test.go:
//
//	go test ./host/model                                    the seeds of the table
//	MODEL_SEED=7 MODEL_STEPS=400 go test ./host/model -v    one seed, that far
//	MODEL_STEPS=1000000 go test ./host/model -v -timeout 0  new seeds, so many steps in all
package model
