module github.com/eventseal/eventseal/testvectors/generate/go

go 1.26.0

require (
	filippo.io/torchwood v0.6.1
	github.com/eoscanada/eos-go v0.10.2
	github.com/gowebpki/jcs v1.0.2
	github.com/transparency-dev/formats v0.1.1
	github.com/transparency-dev/merkle v0.0.2
	golang.org/x/crypto v0.52.0
	golang.org/x/mod v0.42.0
)

require golang.org/x/sync v0.14.0 // indirect
