// Command eventseal is the host and the tools around it: it serves events,
// makes keys, creates, signs and verifies events on this machine alone, and
// talks to a running host. This package holds flags, wiring and signals; what
// a command does is elsewhere.
//
// Answers are on standard output, as JSON; messages are on standard error. The
// exit statuses are in exit.go.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

type commands struct {
	Version kong.VersionFlag `help:"Print the version and exit."`

	Serve   serveCommand   `cmd:"" help:"Run the host: take events over HTTP, store and serve them."`
	Scrub   scrubCommand   `cmd:"" help:"Read every copy of every event, compare, repair: of a host that is not running, or with --server of one that is."`
	Reindex reindexCommand `cmd:"" help:"Rebuild the journal of a host that is not running from what a replica holds."`
	Witness witnessCommand `cmd:"" help:"Run a witness: cosign the heads of other hosts' logs, each only if it follows from the last."`

	Keygen       keygenCommand       `cmd:"" group:"here" help:"Make a key pair."`
	Create       createCommand       `cmd:"" group:"here" help:"Make an unsigned event: its canonical form."`
	Sign         signCommand         `cmd:"" group:"here" help:"Sign an unsigned event: the record."`
	Hash         hashCommand         `cmd:"" group:"here" help:"Write the hash of an event, signed or not, unchecked."`
	Verify       verifyCommand       `cmd:"" group:"here" help:"Decide whether a signed event is valid."`
	Canonicalize canonicalizeCommand `cmd:"" group:"here" help:"Write the RFC 8785 form of any JSON text."`

	Anchor   anchorCommand   `cmd:"" group:"host" help:"Look at what a host puts on a chain, and get the contract for it."`
	Monitor  monitorCommand  `cmd:"" group:"host" help:"Follow a host's log: verify every head, every proof and every event; exit status 1 and evidence where anything is not as it was signed."`
	Mirror   mirrorCommand   `cmd:"" group:"host" help:"The same, and store what was verified in one's own host, --server."`
	Evidence evidenceCommand `cmd:"" group:"here" help:"Check what monitor or mirror found against a host."`

	VerifyProof   verifyProofCommand   `cmd:"" group:"here" help:"Decide whether a proof file holds, and whose it is."`
	VerifyReceipt verifyReceiptCommand `cmd:"" group:"here" help:"Decide whether a host signed a receipt, and whether it kept what that promises."`

	Put    putCommand    `cmd:"" group:"host" help:"Store a signed event."`
	Get    getCommand    `cmd:"" group:"host" help:"Fetch events by hash and verify them here."`
	Proof  proofCommand  `cmd:"" group:"host" help:"Fetch the proof of an event: one file that shows, without the host, that it was signed, stored and logged."`
	Query  queryCommand  `cmd:"" group:"host" help:"Find events by type, author, parents and time; verified here."`
	Import importCommand `cmd:"" group:"host" help:"Store a file of records, one a line; goes on where it was interrupted."`
	Export exportCommand `cmd:"" group:"host" help:"Write every event to a file, one a line; goes on where it was interrupted."`
	Status statusCommand `cmd:"" group:"host" help:"Show where the copies of an event are."`
	Health healthCommand `cmd:"" group:"host" help:"Show whether the host and its replicas are well."`
}

const description = `Canonical, signed, content-addressed events.

Exit statuses: 0 done, valid or healthy. 1 no: invalid, refused, not found, unhealthy. 2 wrong use, file or
configuration. 3 not now: the host cannot be reached, is overloaded or reaches too few replicas; try again.
4 evidence: a host has broken a promise that it signed (verify-receipt --against).

Private keys come from --key-file or EVENTSEAL_PRIVATE_KEY, never from the command line.`

func main() {
	s := &stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	os.Exit(run(s, os.Args[1:]))
}

// run parses the arguments, runs the command and returns the exit status.
func run(s *stdio, args []string) int {
	var c commands
	parser, err := kong.New(&c,
		kong.Name("eventseal"), kong.Description(description),
		kong.Writers(s.out, s.err), kong.Vars{"version": version()},
		kong.ExplicitGroups([]kong.Group{
			{Key: "here", Title: "On this machine alone:"},
			{Key: "host", Title: "With a running host:"},
		}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Bind(s), kong.BindTo(context.Background(), (*context.Context)(nil)),
	)
	if err != nil {
		panic(err) // the struct above is wrong: every test sees it
	}
	k, err := parser.Parse(args)
	if err != nil {
		s.complain(err)
		fmt.Fprintln(s.err, "See eventseal --help.")
		return statusUsage
	}
	if err := k.Run(); err != nil {
		s.complain(err)
		return status(err)
	}
	return statusOK
}
