"""Results of all subjects side by side, and how far they are from the reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from forcesmith.properties.property import Quantity
from forcesmith.properties.published import Published
from forcesmith.properties.registry import PROPERTIES
from forcesmith.properties.settings import ValidationSettings
from forcesmith.properties.subject import SubjectSettings
from forcesmith.properties.tasks import Entry, quantities_of


@dataclass(frozen=True)
class Row:
    """A quantity of a structure, with all subjects."""

    structure: str
    property: str
    quantity: str
    unit: str
    values: dict[str, Quantity]
    """By subject, and by file of published values."""
    deviations: dict[str, float]
    """By subject: value minus that of the reference, in `unit`."""
    verdicts: dict[str, str]
    """By subject: "good" within the tolerance, "fair" within twice that, else "poor"."""


@dataclass(frozen=True)
class Comparison:
    """What came of it."""

    subjects: list[SubjectSettings]
    """The reference first, if there is one."""
    reference: str | None
    """Subject, or file of published values, that deviations are measured from."""
    entries: list[Entry]
    """Of all structures, properties and subjects."""
    published: list[Published]
    """Values given by hand."""
    settings: ValidationSettings
    """What was asked for."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """Command, versions, files with their hashes, date."""

    @property
    def failed(self) -> list[Entry]:
        """Those without a result."""
        return [entry for entry in self.entries if entry.result is None]

    def entry(self, structure: str, name: str, subject: str) -> Entry | None:
        """One of them; None where there is none.

        Parameters
        ----------
        structure, name, subject
            Of the structure, the property and the subject.
        """
        key = structure, name, subject
        return next((e for e in self.entries if (e.structure, e.property, e.subject) == key), None)

    @property
    def structures(self) -> list[str]:
        """Their names."""
        return list(dict.fromkeys(entry.structure for entry in self.entries))

    @property
    def properties(self) -> list[str]:
        """The lattice first."""
        return list(dict.fromkeys(entry.property for entry in self.entries))

    def rows(self, structure: str, name: str) -> list[Row]:
        """Of one property.

        Parameters
        ----------
        structure, name
            Of the structure and the property.

        Returns
        -------
        list of Row
            In the order of the property.
        """
        by_subject = {
            one.name: quantities_of(self.entry(structure, name, one.name)) for one in self.subjects
        }
        names = dict.fromkeys(key for own in by_subject.values() for key in own)
        rows = []
        for quantity in names:
            values = {who: own[quantity] for who, own in by_subject.items() if quantity in own}
            unit = next(iter(values.values())).unit
            for published in self.published:
                if given := published.value(structure, name, quantity):
                    values[published.name] = Quantity(
                        value=given.value, error=given.error, unit=unit
                    )
            rows.append(self._row(structure, name, quantity, unit, values))
        return rows

    def ranking(self, structure: str, name: str) -> list[tuple[int, str, float]]:
        """Of the subjects by a property, if it is one by which they are ranked.

        Parameters
        ----------
        structure, name
            Of the structure and the property.

        Returns
        -------
        list of (int, str, float)
            Rank (1 for the best; equals share it), subject, sum of its quantities.
        """
        if not PROPERTIES[name].ranked:
            return []
        sums = {
            one.name: sum(quantity.value for quantity in own.values())
            for one in self.subjects
            if (own := quantities_of(self.entry(structure, name, one.name)))
        }
        order = sorted(sums, key=lambda who: -sums[who])
        return [(1 + sum(x > sums[who] for x in sums.values()), who, sums[who]) for who in order]

    def _row(
        self, structure: str, name: str, quantity: str, unit: str, values: dict[str, Quantity]
    ) -> Row:
        deviations, verdicts = {}, {}
        reference = values.get(self.reference or "") if PROPERTIES[name].compared else None
        for one in self.subjects:
            own = values.get(one.name)
            if reference is None or own is None or one.name == self.reference:
                continue
            relative = self.settings.tolerances.get(name)
            if relative is None and own.tolerance is not None:
                limit = own.tolerance
            else:
                relative = PROPERTIES[name].tolerance if relative is None else relative
                limit = relative * abs(reference.value)
            # A potential that is not sure of itself is not better for that.
            error = 0.0 if one.drawn else own.error or 0.0
            limit += 2 * (error**2 + (reference.error or 0.0) ** 2) ** 0.5
            deviation = own.value - reference.value
            deviations[one.name] = deviation
            size = abs(deviation)
            verdicts[one.name] = (
                "good" if size <= limit else "fair" if size <= 2 * limit else "poor"
            )
        return Row(structure, name, quantity, unit, values, deviations, verdicts)
