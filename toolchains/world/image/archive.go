// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// repository is the name of the image after it is loaded; the tag is the digest of the recipe.
const repository = "rules_modhash-world"

// layoutVersion is the contents of the file oci-layout.
const layoutVersion = `{"imageLayoutVersion":"1.0.0"}`

// blob is a file of the layout.
type blob struct {
	name string
	size int64
	open func() (io.ReadCloser, error)
}

func inMemory(name string, data []byte) blob {
	return blob{name, int64(len(data)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// blobName is where a layout has what has the digest.
func blobName(digest v1.Hash) string { return path.Join("blobs", digest.Algorithm, digest.Hex) }

// describe is the configuration of the image: nothing in it depends on the machine but the architecture.
func describe(info manifest, o options) *v1.ConfigFile {
	created := v1.Time{Time: info.date}
	return &v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Created:      created,
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Cmd:        []string{"/bin/bash"},
			Env:        []string{"PATH=" + o.path},
			WorkingDir: "/",
			Labels: map[string]string{
				"org.opencontainers.image.created":     info.date.Format(time.RFC3339),
				"org.opencontainers.image.description": "The root file system in which ./bazelw of rules_modhash builds kernels",
				"org.opencontainers.image.title":       "The world of rules_modhash",
				"org.opencontainers.image.version":     info.suite + "-" + info.date.Format("20060102"),
				"rules_modhash.world.manifest":         "sha256:" + info.digest,
				"rules_modhash.world.recipe":           o.recipe,
			},
		},
	}
}

// assemble returns the image with its layer.
func assemble(l layer, info manifest, o options) (v1.Image, error) {
	packed, err := partial.CompressedToLayer(l)
	if err != nil {
		return nil, err
	}
	image, err := mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), describe(info, o))
	if err != nil {
		return nil, err
	}
	return mutate.Append(mutate.ConfigMediaType(image, types.OCIConfigJSON), mutate.Addendum{
		Layer:     packed,
		MediaType: types.OCILayer,
		History:   v1.History{Created: v1.Time{Time: info.date}, CreatedBy: "./bazelw --world-image"},
	})
}

// loadable is the manifest.json by which `docker load` of releases before the OCI layout finds the image.
func loadable(image v1.Image, l layer, tag string) ([]byte, error) {
	config, err := image.ConfigName()
	if err != nil {
		return nil, err
	}
	return json.Marshal([]map[string]any{{
		"Config":   blobName(config),
		"Layers":   []string{blobName(l.digest)},
		"RepoTags": []string{tag},
	}})
}

// index returns index.json: the image with its name.
func index(image v1.Image, tag string) ([]byte, error) {
	list := mutate.IndexMediaType(mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add: image,
		Descriptor: v1.Descriptor{
			Annotations: map[string]string{"org.opencontainers.image.ref.name": tag},
			Platform:    &v1.Platform{Architecture: runtime.GOARCH, OS: "linux"},
		},
	}), types.OCIImageIndex)
	return list.RawManifest()
}

// layoutFiles returns the files of the archive, and the digest of the image.
func layoutFiles(l layer, info manifest, o options) ([]blob, v1.Hash, error) {
	image, err := assemble(l, info, o)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	tag := repository + ":" + o.recipe
	digest, err := image.Digest()
	if err != nil {
		return nil, v1.Hash{}, err
	}
	config, err := image.ConfigName()
	if err != nil {
		return nil, v1.Hash{}, err
	}
	files := []blob{inMemory("oci-layout", []byte(layoutVersion))}
	for _, file := range []struct {
		name string
		data func() ([]byte, error)
	}{
		{"index.json", func() ([]byte, error) { return index(image, tag) }},
		{"manifest.json", func() ([]byte, error) { return loadable(image, l, tag) }},
		{blobName(digest), image.RawManifest},
		{blobName(config), image.RawConfigFile},
	} {
		data, err := file.data()
		if err != nil {
			return nil, v1.Hash{}, err
		}
		files = append(files, inMemory(file.name, data))
	}
	return append(files, blob{blobName(l.digest), l.size, l.Compressed}), digest, nil
}

// writeArchive writes the image to out and returns its digest.
func writeArchive(ctx context.Context, out io.Writer, l layer, info manifest, o options) (v1.Hash, error) {
	files, digest, err := layoutFiles(l, info, o)
	if err != nil {
		return digest, fmt.Errorf("describing the image: %w", err)
	}
	w := tar.NewWriter(out)
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		header := tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: info.date}
		if err := w.WriteHeader(&header); err != nil {
			return digest, fmt.Errorf("writing the archive: %w", err)
		}
	}
	for _, file := range files {
		if err := file.write(ctx, w, info.date); err != nil {
			return digest, fmt.Errorf("writing the archive: %s: %w", file.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return digest, fmt.Errorf("writing the archive: %w", err)
	}
	return digest, nil
}

func (b blob) write(ctx context.Context, w *tar.Writer, date time.Time) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	header := tar.Header{Typeflag: tar.TypeReg, Name: b.name, Size: b.size, Mode: 0o644, ModTime: date}
	if err := w.WriteHeader(&header); err != nil {
		return err
	}
	r, err := b.open()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return closeAfter(r, err)
}

func closeAfter(c io.Closer, err error) error {
	if closing := c.Close(); err == nil {
		return closing
	}
	return err
}
