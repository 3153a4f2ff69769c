"""What several test modules need."""

import hashlib
import http.server

import mne
import numpy as np

from mne_sst import FeatureExtractor

#: Electrodes of `small_info`.
NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "Cz", "C4", "P3", "P4", "Oz"]
#: Bytes that the server sends before it cuts a transfer.
CUT = 10_000


def extract(X, **params):
    """Features of ``X``, silently and in double precision unless said."""
    return FeatureExtractor(**{"verbose": False, "dtype": "float64", **params}).transform(X)


def peak(name, height=1.0):
    """A value at one electrode, 0 at the others."""
    return height * np.array([float(n == name) for n in NAMES])


def make_raw(names, kinds="eeg", sfreq=100.0, **kwargs):
    """Ten seconds of noise."""
    info = mne.create_info(names, sfreq, kinds)
    data = 1e-5 * np.random.default_rng(3).standard_normal((len(names), int(10 * sfreq)))
    return mne.io.RawArray(data, info, **kwargs, verbose="ERROR")


def said(caplog):
    """What this package logged."""
    return [r.getMessage() for r in caplog.records if r.name == "mne_sst"]


def positions(inst):
    """Place of each channel."""
    return {ch["ch_name"]: ch["loc"][:3] for ch in inst.info["chs"]}


def placed(epochs):
    """Whether every electrode has a position."""
    return np.isfinite([ch["loc"][:3] for ch in epochs.info["chs"]]).all()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves ``files`` by name from any folder, with the faults that a test asks for."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        content = self.server.files.get(self.path.rsplit("/", 1)[1])
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()

    def do_GET(self):
        server, name = self.server, self.path.rsplit("/", 1)[1]
        server.asked[name] += 1
        server.ranges.append((name, self.headers.get("Range")))
        if server.faults.get(name):
            fault = server.faults[name].pop(0)
            if isinstance(fault, int):
                self.send_error(fault)
                return
        else:
            fault = None
        if name not in server.files:
            self.send_error(404)
            return
        content = server.files[name]
        first = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if first and first >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        if fault == "cut":
            self.wfile.write(content[first : first + CUT])
            self.close_connection = True
            return
        self.wfile.write(content[first:])

    def log_message(self, *args):
        pass


def serve(server, files):
    """Serve files, and the list of their checksums."""
    server.files.update(files)
    lines = [f"{hashlib.sha256(c).hexdigest()}  {name}\n" for name, c in files.items()]
    server.files["SHA256SUMS.txt"] = "".join(lines).encode()
