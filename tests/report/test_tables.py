"""Tables: columns, one row per frame and thing, empty cells, values to eight digits."""

import csv

import numpy as np
import pytest
from braking import braking

from gjadet_yolo.report.tables import BODY_COLUMNS, POINT_COLUMNS, write_csv

POINTS = (
    "frame,time_s,id,body,status,x_px,y_px,sx_px,sy_px,x_mm,y_mm,sx_mm,sy_mm,"
    "vx_mps,vy_mps,svx_mps,svy_mps,ax_mps2,ay_mps2,sax_mps2,say_mps2"
)


@pytest.fixture(scope="module")
def measurement():
    return braking(frames=60)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_points_have_the_stated_columns_and_values(tmp_path, measurement):
    write_csv(tmp_path / "points.csv", measurement, bodies=False)
    assert (tmp_path / "points.csv").read_text().split("\n", 1)[0] == POINTS == ",".join(POINT_COLUMNS)
    found = rows(tmp_path / "points.csv")
    assert len(found) == 60 * 26
    row = found[7 * 26 + 4]
    assert (row["frame"], row["id"], row["body"], row["status"]) == ("7", "4", "0", "measured")
    assert float(row["time_s"]) == pytest.approx(measurement.time_s[7], abs=1e-9)
    assert float(row["x_px"]) == pytest.approx(measurement.points.position_px[7, 4, 0], rel=1e-7)
    assert float(row["say_mps2"]) == measurement.points.sigma_acceleration_mps2[7, 4, 1]


def test_predicted_says_so_and_not_a_number_is_empty(tmp_path, measurement):
    write_csv(tmp_path / "points.csv", measurement, bodies=False)
    row = rows(tmp_path / "points.csv")[45 * 26 + 3]
    assert row["status"] == "predicted"
    assert row["x_px"] and not row["vx_mps"]
    assert "nan" not in (tmp_path / "points.csv").read_text()


def test_bodies_have_angles_in_degrees_and_no_id(tmp_path, measurement):
    write_csv(tmp_path / "bodies.csv", measurement, bodies=True)
    found = rows(tmp_path / "bodies.csv")
    assert tuple(found[0]) == BODY_COLUMNS
    assert set(BODY_COLUMNS) - set(POINT_COLUMNS) == {"markers", "angle_deg", "sangle_deg", "rate_dps", "srate_dps"}
    assert set(POINT_COLUMNS) - set(BODY_COLUMNS) == {"id"}
    row = found[2 * 45]
    assert row["markers"] == "19"  # one of 20 is predicted there
    assert float(row["angle_deg"]) == pytest.approx(np.rad2deg(measurement.turning.angle_rad[45, 0]), rel=1e-7)


def test_body_without_markers_is_not_called_measured(tmp_path, measurement):
    measurement.markers[10, 0], kept = 0, measurement.markers[10, 0]
    write_csv(tmp_path / "bodies.csv", measurement, bodies=True)
    measurement.markers[10, 0] = kept
    assert rows(tmp_path / "bodies.csv")[20]["status"] == "predicted"
