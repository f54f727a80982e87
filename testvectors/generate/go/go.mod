module github.com/eventseal/eventseal/testvectors/generate/go

go 1.26.0

require (
	github.com/eoscanada/eos-go v0.10.2
	github.com/gowebpki/jcs v1.0.2
	github.com/transparency-dev/merkle v0.0.2
)

require golang.org/x/crypto v0.45.0 // indirect
