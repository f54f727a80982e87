module github.com/eventseal/eventseal

go 1.26.0

require (
	github.com/eoscanada/eos-go v0.10.2
	github.com/gowebpki/jcs v1.0.2
	golang.org/x/crypto v0.45.0
)
