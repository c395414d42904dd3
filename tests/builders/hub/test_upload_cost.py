"""What a changed scene costs to publish: about its share of the bytes."""

from huggingface_hub import HfApi

from builders.hub import parquet, shards
from builders.hub.publish import carry_out, plan_push
from builders.hub.repository import HubRepo
from builders.tunnel import spatial_tunnel
from tests.builders.hub.published import lighter, tunnel


def test_one_changed_scene_of_forty_uploads_a_few_shards(hub, tmp_path, monkeypatch):
    repo = HubRepo("org/tunnel", HfApi(endpoint=hub.endpoint, token=hub.token))
    monkeypatch.setattr(shards, "SHARD_BYTES", 6_000)
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 3_000)
    carry_out(plan_push(tunnel(tmp_path / "old", monkeypatch, size_scenes=40), repo))
    all_bytes = hub.uploaded_bytes
    draw = spatial_tunnel.pictures
    monkeypatch.setattr(spatial_tunnel, "pictures", lambda shots, config, name, folder: [
        lighter(data) if name == "size_variation/size_17" else data for data in draw(shots, config, name, folder)])
    carry_out(plan_push(tunnel(tmp_path / "new", monkeypatch, "0.2.0", size_scenes=40), repo))
    assert 0 < hub.uploaded_bytes - all_bytes < 0.1 * all_bytes
