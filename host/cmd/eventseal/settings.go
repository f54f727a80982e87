package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/eventseal/eventseal/host/config"
)

// settingsFlags say where the host's settings and its data are.
type settingsFlags struct {
	Config string  `placeholder:"FILE" env:"EVENTSEAL_CONFIG" help:"TOML file of settings; eventseal.example.toml lists them all. Each is also a variable."`
	Data   *string `placeholder:"DIR" help:"Folder of the journal and the local replicas; wins over the file and EVENTSEAL_DATA (./data)."`
}

// load returns the settings and a log that they describe, which is the
// default one from then on. Further flags win over everything, by key.
func (f *settingsFlags) load(s *stdio, flags map[string]string) (config.Config, *slog.Logger, error) {
	if f.Data != nil {
		flags["data"] = *f.Data
	}
	settings, err := config.Load(config.Source{File: f.Config, Environ: os.Environ(), Flags: flags})
	if err != nil {
		return settings, nil, &usageError{err}
	}
	log := logger(s.err, settings.Log)
	slog.SetDefault(log)
	return settings, log, nil
}

func logger(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // config has checked it
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
