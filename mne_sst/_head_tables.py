"""Weights of electrodes, bands and moments as tables and as Evoked objects."""

import mne
import numpy as np
import pandas as pd

from .regions import region_means


class HeadTables:
    """What `HeadWeights` gives to other tools; it defines what is used here."""

    def _points(self, stream):
        """Names of the bands, or moments in seconds."""
        if stream == "spectral":
            return [name for name, _, _ in self.settings.bands]
        return [f"{t:.4f}" for t in self.moments]

    def to_evoked(self, by="label", stream="spectral", resolved=False):
        """Electrodes' weights as Evoked objects, for every plot of MNE.

        Parameters
        ----------
        by : "label" | array | None
            See `average`.
        stream : {"spectral", "temporal"}
            Which stream.
        resolved : bool
            Whether each band has an Evoked of its own (spectral stream), and each moment a
            sample at its beginning (temporal stream).

        Returns
        -------
        evokeds : list of mne.EvokedArray
            One for each label, and band if resolved, which the comment names; of one sample,
            or one for each moment, in seconds from the start of the window whatever the
            ``tmin`` of the epochs. MNE takes the values for volts: pass ``scalings=1,
            time_format=""`` to its topomaps.
        """
        mean = self.average(by)
        if not resolved:
            weights, points, sfreq = mean.to_electrodes(stream)[:, :, None], [""], 1.0
        elif stream == "spectral":
            weights, points, sfreq = mean._resolved(stream), self._points(stream), 1.0
        else:
            weights, points = mean._resolved(stream), [""]
            sfreq = (self.n_times - 1) / np.ptp(self.moments) if self.n_times > 1 else 1.0
        parts = [weights] if len(points) == 1 else np.split(weights, len(points), axis=2)
        info = self.info if sfreq == 1.0 else _at_rate(self.info, sfreq)
        return [
            mne.EvokedArray(
                part[row],
                info,
                tmin=self.moments[0] - 0.5 / sfreq if part.shape[2] > 1 else 0.0,
                comment=f"{label}, {point}" if point else str(label),
                nave=int(mean.n_averaged[row]),
                verbose="ERROR",
            )
            for row, label in enumerate(mean.labels)
            for part, point in zip(parts, points, strict=True)
        ]

    def by_region(self, stream="spectral", resolved=False):
        """Mean weight of the electrodes of each region and side.

        Parameters
        ----------
        stream : {"spectral", "temporal"}
            Which stream.
        resolved : bool
            Whether each band or moment has a row of its own.

        Returns
        -------
        table : DataFrame
            Columns ``epoch, label, stream, region, side, n_channels, weight``, and before
            the weight ``point`` (band, or moment in seconds) if resolved. Regions are those
            of `regions.electrode_regions`; those without an electrode are left out.
        """
        if not resolved:
            return self._regions_of(self.to_electrodes(stream), stream)
        weights = self._resolved(stream)
        tables = [
            self._regions_of(weights[:, :, i], stream).assign(point=point)
            for i, point in enumerate(self._points(stream))
        ]
        table = pd.concat(tables, ignore_index=True)
        return table[[*(c for c in table if c not in ("point", "weight")), "point", "weight"]]

    def _regions_of(self, weights, stream):
        means, where = region_means(weights, self.info)
        n_epochs, n_regions = means.shape
        table = pd.concat([where] * n_epochs, ignore_index=True)
        table.insert(0, "epoch", np.repeat(np.arange(n_epochs), n_regions))
        table.insert(1, "label", np.repeat(self.labels, n_regions))
        table.insert(2, "stream", stream)
        return table.assign(weight=means.ravel())

    def to_data_frame(self, resolved=False):
        """Return all weights as a tidy table.

        Parameters
        ----------
        resolved : bool
            Whether to give the weight of each electrode in each band and at each moment
            instead: hundreds of rows an epoch.

        Returns
        -------
        table : DataFrame
            Columns ``epoch, label, stream, block, kind, name, weight``: ``kind`` is
            ``"electrode"``, ``"band"`` or ``"time"``, ``name`` the electrode, the
            band or the moment in seconds, ``block`` where the weight stands (0 for
            the input). If resolved, every kind is ``"electrode"``, and a column ``point``
            names the band or the moment.
        """
        depth = {"spectral": ("band", self.bands), "temporal": ("time", self.times)}
        tables = []
        for stream, (kind, weights) in depth.items():
            names = self._points(stream)
            if resolved:
                if stream in self.electrode_streams and weights is not None:
                    tables.append(self._tidy_resolved(stream, names))
                continue
            if stream in self.electrode_streams:
                electrodes = self.to_electrodes(stream)
                tables.append(self._tidy(stream, "electrode", self.info["ch_names"], electrodes))
            if weights is not None:
                tables.append(self._tidy(stream, kind, names, weights))
        columns = ["epoch", "label", "stream", "block", "kind", "name", "weight"]
        columns[6:6] = ["point"] * resolved
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

    def _tidy_resolved(self, stream, points):
        weights = self._resolved(stream)
        channels, n_points = self.info["ch_names"], len(points)
        flat = weights.reshape(len(weights), -1)
        table = self._tidy(stream, "electrode", np.repeat(channels, n_points), flat)
        table.insert(6, "point", np.tile(points, len(flat) * len(channels)))
        return table

    def _tidy(self, stream, kind, names, weights):
        n_epochs, n_names = weights.shape
        return pd.DataFrame(
            {
                "epoch": np.repeat(np.arange(n_epochs), n_names),
                "label": np.repeat(self.labels, n_names),
                "stream": stream,
                "block": self._block_of(stream, "spatial" if kind == "electrode" else "depth"),
                "kind": kind,
                "name": np.tile(names, n_epochs),
                "weight": weights.ravel(),
            }
        )


def _at_rate(info, sfreq):
    """The same electrodes, sampled at another rate."""
    other = mne.create_info(info["ch_names"], sfreq, "eeg")
    montage = info.get_montage()
    if montage is not None:
        other.set_montage(montage)
    # Positions can be there without points of a montage.
    for channel, known in zip(other["chs"], info["chs"], strict=True):
        channel["loc"], channel["coord_frame"] = known["loc"].copy(), known["coord_frame"]
    other["bads"] = list(info["bads"])
    return other
