module github.com/eventseal/eventseal

go 1.26.0
