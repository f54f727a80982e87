// Package faults has no code of its own. Its tests join the host's stages with
// real servers and let the servers, the network and the disk misbehave: an
// acknowledged event must outlive any one of the places that hold it, and a
// place that is damaged or lies must be noticed and healed.
//
//	go test ./host/faults -run Matrix -v -update   prints what was measured and writes docs/fault-matrix.md
//	SOAK=3m go test ./host/faults -run Soak -v     drives the real binary while faults come and go
package faults
